import { bytesToHex, type Hex, hexToBytes, sha256 } from 'viem'
import { chachaBlock, chachaState } from './chacha.ts'

/** What is expanded from a seed: the two factors from the challenge's seed, the check vectors from the later one. */
export type Part = 'a' | 'b' | 'r'

const parts: Readonly<Record<Part, number>> = { a: 1, b: 2, r: 3 }

/** Check vectors of one challenge. */
export const vectorCount = 4

/** Entries are 24-bit integers over this: all exact in 32-bit floats, and no shorter format can hold them. */
export const entryScale = 2 ** -23

/**
 * The generator's state before block 0: ChaCha8 under the key
 * sha256("millrace/challenge/1" ‖ seed ‖ n ‖ unit), both as 32-bit little-endian, nonce (part, 0, 0).
 * The size is in the key so that no product helps with one of another size; the unit so that each GPU has its own.
 */
export function generatorState(options: {
  readonly seed: Hex
  readonly n: number
  readonly unit: number
  readonly part: Part
}): Uint32Array<ArrayBuffer> {
  const { seed, n, unit, part } = options
  const label = new TextEncoder().encode('millrace/challenge/1')
  const input = new Uint8Array(label.length + 40)
  input.set(label)
  input.set(hexToBytes(seed, { size: 32 }), label.length)
  const view = new DataView(input.buffer)
  view.setUint32(label.length + 32, n, true)
  view.setUint32(label.length + 36, unit, true)
  return chachaState(hexToBytes(sha256(bytesToHex(input))), 0, [parts[part], 0, 0])
}

/**
 * Entries `[first, first + count)` of the matrix that a state stands for, row after row: keystream word w gives
 * (w as signed integer >> 8) / 2^23, uniform over the 2^24 multiples of 2^-23 in [-1, 1). Plain JavaScript: the
 * definition that every faster implementation is compared with.
 * @param first A multiple of 16.
 */
export function expandEntries(state: Uint32Array, first: number, count: number): Float32Array {
  const entries = new Float32Array(count)
  const counted = new Uint32Array(state)
  for (let at = 0; at < count; at += 16) {
    counted[12] = (first + at) / 16
    const block = chachaBlock(counted)
    for (let i = 0; i < 16 && at + i < count; i++) entries[at + i] = ((block[i] ?? 0) >> 8) * entryScale
  }
  return entries
}
