/** What a strategy sees. Prices are per hour or per unit, in base units. */
export interface StrategyView {
  readonly side: 'buyer' | 'seller'
  /** Own proposals so far, oldest first. */
  readonly own: readonly bigint[]
  /** The other side's proposals so far, oldest first. */
  readonly other: readonly bigint[]
  /** How far the haggle is, 0 to 1: the larger of the share of rounds and the share of time used. */
  readonly progress: number
}

/** Names the price that one side would propose now. Pure: clock and randomness arrive with the view or the maker. */
export type Strategy = (view: StrategyView) => bigint

/** Parts of the way from the first price to the last are counted in billionths. */
const scale = 1_000_000_000

/** The price at a share (0 to 1) of the way from `first` to `last`; exactly `last` at 1. */
export function along(first: bigint, last: bigint, share: number): bigint {
  const parts = BigInt(Math.round(Math.min(1, Math.max(0, share)) * scale))
  return first + ((last - first) * parts) / BigInt(scale)
}

/** Keeps a price between a first price and a reservation price, whichever of them is the larger. */
export function between(price: bigint, first: bigint, reservation: bigint): bigint {
  const [low, high] = first < reservation ? [first, reservation] : [reservation, first]
  return price < low ? low : price > high ? high : price
}
