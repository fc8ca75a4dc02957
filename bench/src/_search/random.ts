/** Numbers that look random and are the same for the same seed (mulberry32). */
export interface Random {
  /** From 0 to below 1. */
  unit(): number
  /** Whole, from 0 to below `limit`. */
  below(limit: number): number
  /** One of `items`; the first ones more often if `skew` is over 1. */
  pick<T>(items: readonly [T, ...T[]], skew?: number): T
  /** `bytes` bytes in hex. */
  hex(bytes: number): `0x${string}`
}

/** Creates a generator. */
export function createRandom(seed: number): Random {
  let state = seed >>> 0
  const unit = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
  const below = (limit: number) => Math.floor(unit() * limit)
  return {
    unit,
    below,
    pick: (items, skew = 1) => items[Math.floor(unit() ** skew * items.length)] ?? items[0],
    hex: (bytes) => {
      let text = '0x'
      for (let at = 0; at < bytes; at += 4)
        text += below(4_294_967_296)
          .toString(16)
          .padStart(8, '0')
          .slice(0, 2 * Math.min(4, bytes - at))
      return text as `0x${string}`
    },
  }
}
