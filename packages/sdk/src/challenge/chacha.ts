/** "expand 32-byte k", the first four words of a ChaCha state. */
const constants = [0x61707865, 0x3320646e, 0x79622d32, 0x6b206574] as const

/** Rounds of the generator. ChaCha8: no shortcut through eight rounds is known, and it costs 40 % of ChaCha20. */
export const rounds = 8

/** The sixteen words of a ChaCha state (RFC 8439 §2.3) for a 32-byte key, a block counter and a three-word nonce. */
export function chachaState(
  key: Uint8Array,
  counter: number,
  nonce: readonly [number, number, number],
): Uint32Array<ArrayBuffer> {
  const view = new DataView(key.buffer, key.byteOffset, key.byteLength)
  const words = Array.from({ length: 8 }, (_, i) => view.getUint32(4 * i, true))
  return Uint32Array.from([...constants, ...words, counter, ...nonce])
}

/** One block of keystream: sixteen words. `count` is the number of rounds, even; RFC 8439 has 20. */
export function chachaBlock(state: Uint32Array, count: number = rounds): Uint32Array<ArrayBuffer> {
  const x = new Uint32Array(state)
  const quarter = (a: number, b: number, c: number, d: number) => {
    const step = (to: number, from: number, by: number, bits: number) => {
      x[to] = ((x[to] ?? 0) + (x[from] ?? 0)) >>> 0
      const mixed = (x[by] ?? 0) ^ (x[to] ?? 0)
      x[by] = ((mixed << bits) | (mixed >>> (32 - bits))) >>> 0
    }
    step(a, b, d, 16)
    step(c, d, b, 12)
    step(a, b, d, 8)
    step(c, d, b, 7)
  }
  for (let round = 0; round < count; round += 2) {
    for (const [a, b, c, d] of quarters) quarter(a, b, c, d)
  }
  return x.map((word, i) => (word + (state[i] ?? 0)) >>> 0)
}

/** The eight quarter rounds of a double round: four columns, four diagonals. */
export const quarters = [
  [0, 4, 8, 12],
  [1, 5, 9, 13],
  [2, 6, 10, 14],
  [3, 7, 11, 15],
  [0, 5, 10, 15],
  [1, 6, 11, 12],
  [2, 7, 8, 13],
  [3, 4, 9, 14],
] as const
