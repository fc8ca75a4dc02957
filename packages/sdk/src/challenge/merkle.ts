import { sha256 } from 'viem'

/**
 * The tree over a matrix's rows is RFC 9162's: leaf sha256(0x00 ‖ row), inner node sha256(0x01 ‖ left ‖ right), an odd
 * node at the end of a level moves up as it is. SHA-256 and not keccak256, because a machine hashes every byte of
 * the product while the clock runs, and processors have instructions for SHA-256.
 */
export function hashRow(row: Uint8Array): Uint8Array {
  const input = new Uint8Array(1 + row.length)
  input.set(row, 1)
  return sha256(input, 'bytes')
}

function hashPair(left: Uint8Array, right: Uint8Array): Uint8Array {
  const input = new Uint8Array(65)
  input[0] = 1
  input.set(left, 1)
  input.set(right, 33)
  return sha256(input, 'bytes')
}

/** All levels of the tree, leaves first, the root alone at the end. */
export function merkleLevels(leaves: readonly Uint8Array[]): readonly (readonly Uint8Array[])[] {
  const levels: (readonly Uint8Array[])[] = [leaves]
  for (let level = leaves; level.length > 1; ) {
    const next: Uint8Array[] = []
    for (let i = 0; i < level.length; i += 2) {
      const [left, right] = [level[i], level[i + 1]]
      if (left !== undefined) next.push(right === undefined ? left : hashPair(left, right))
    }
    levels.push(next)
    level = next
  }
  return levels
}

/** The siblings from a leaf up to below the root; a node that moved up alone has none. */
export function merkleProof(
  levels: readonly (readonly Uint8Array[])[],
  index: number,
): readonly Uint8Array[] {
  const siblings: Uint8Array[] = []
  let at = index
  for (const level of levels) {
    const sibling = level[at ^ 1]
    if (sibling !== undefined) siblings.push(sibling)
    at >>= 1
  }
  return siblings
}

/** How many siblings the proof of leaf `index` of `count` has. */
export function merkleProofLength(index: number, count: number): number {
  let length = 0
  for (let at = index, size = count; size > 1; at >>= 1, size = (size + 1) >> 1) {
    if ((at ^ 1) < size) length++
  }
  return length
}

/** The root that a leaf, its place and its siblings lead to. `siblings` holds {@link merkleProofLength} hashes. */
export function merkleRoot(options: {
  readonly leaf: Uint8Array
  readonly index: number
  readonly count: number
  readonly siblings: readonly Uint8Array[]
}): Uint8Array {
  let node = options.leaf
  let used = 0
  for (let at = options.index, size = options.count; size > 1; at >>= 1, size = (size + 1) >> 1) {
    if ((at ^ 1) >= size) continue
    const sibling = options.siblings[used++] ?? new Uint8Array(32)
    node = (at & 1) === 0 ? hashPair(node, sibling) : hashPair(sibling, node)
  }
  return node
}
