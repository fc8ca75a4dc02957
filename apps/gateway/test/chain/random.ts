/** A small seeded generator (mulberry32): the same seed gives the same run everywhere. */
export interface Random {
  /** A whole number from 0 to `below` - 1. */
  below(below: number): number
  /** One of the items. */
  pick<T>(items: readonly T[]): T
  /** True once in `n` times. */
  oneIn(n: number): boolean
}

export function createRandom(seed: number): Random {
  let state = seed >>> 0
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
  const below = (limit: number) => Math.floor(next() * limit)
  return {
    below,
    pick: (items) => {
      const item = items[below(items.length)]
      if (item === undefined) throw new RangeError('nothing to pick from')
      return item
    },
    oneIn: (n) => below(n) === 0,
  }
}
