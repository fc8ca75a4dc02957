import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { hashRow, merkleLevels, merkleProof, merkleProofLength, merkleRoot } from './merkle.ts'

const sha256 = (...parts: Uint8Array[]) =>
  parts.reduce((hash, part) => hash.update(part), createHash('sha256')).digest()

/** RFC 9162 §2.1.1, by its recursion: split at the largest power of two below the count. */
function rootByDefinition(leaves: readonly Uint8Array[]): Uint8Array {
  const [only] = leaves
  if (leaves.length === 1 && only !== undefined) return only
  let split = 1
  while (2 * split < leaves.length) split *= 2
  return sha256(
    Uint8Array.of(1),
    rootByDefinition(leaves.slice(0, split)),
    rootByDefinition(leaves.slice(split)),
  )
}

const trees = fc
  .integer({ min: 1, max: 70 })
  .chain((count) =>
    fc.record({ count: fc.constant(count), index: fc.nat(count - 1), other: fc.nat(count - 1) }),
  )
const leavesOf = (count: number) => Array.from({ length: count }, (_, i) => hashRow(Uint8Array.of(i)))

describe('merkle', () => {
  test('default: a leaf is sha256(0x00 ‖ row)', () => {
    expect(Buffer.from(hashRow(Uint8Array.of(7, 8)))).toEqual(sha256(Uint8Array.of(0, 7, 8)))
  })

  test('behavior: the root is RFC 9162’s, and every proof leads to it', () => {
    fc.assert(
      fc.property(trees, ({ count, index }) => {
        const leaves = leavesOf(count)
        const levels = merkleLevels(leaves)
        const root = Buffer.from(levels.at(-1)?.[0] ?? [])
        expect(root).toEqual(Buffer.from(rootByDefinition(leaves)))
        const siblings = merkleProof(levels, index)
        expect(siblings.length).toBe(merkleProofLength(index, count))
        const leaf = leaves[index] ?? new Uint8Array()
        expect(Buffer.from(merkleRoot({ leaf, index, count, siblings }))).toEqual(root)
      }),
    )
  })

  test('behavior: another leaf, place or sibling leads elsewhere', () => {
    fc.assert(
      fc.property(trees, fc.nat(), ({ count, index, other }, where) => {
        fc.pre(count > 1)
        const leaves = leavesOf(count)
        const levels = merkleLevels(leaves)
        const root = Buffer.from(levels.at(-1)?.[0] ?? [])
        const siblings = merkleProof(levels, index)
        const leaf = leaves[index] ?? new Uint8Array()
        const altered = siblings.map((sibling, i) =>
          i === where % siblings.length
            ? sibling.map((byte, at) => (at === where % 32 ? byte ^ 1 : byte))
            : sibling,
        )
        expect(Buffer.from(merkleRoot({ leaf, index, count, siblings: altered }))).not.toEqual(root)
        if (other === index) return
        const foreign = leaves[other] ?? new Uint8Array()
        expect(Buffer.from(merkleRoot({ leaf: foreign, index, count, siblings }))).not.toEqual(root)
        expect(Buffer.from(merkleRoot({ leaf, index: other, count, siblings }))).not.toEqual(root)
      }),
    )
  })
})
