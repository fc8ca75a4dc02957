import { halvingLeft } from './halving.ts'

/** Half-lives after which a run of the auction is over. Equal to `Auction.TAIL`. */
const tail = 8

/** What the price of a lot hangs on. */
export interface LotCurve {
  /** Base units. */
  readonly startPrice: bigint
  /** Unix seconds. */
  readonly startedAt: number
  /** Seconds in which the price halves. */
  readonly halfLife: number
}

/**
 * The price of a lot at a time: halved each half-life, linear in between, rounded down. Equal to `IAuction.priceOf`.
 *
 * @param lot A lot, from `getLot` or `findLots`.
 * @param time Unix seconds, not before its start.
 * @returns Base units.
 * @example
 * const tomorrow = lotPrice({ startPrice: 90_000_000_000n, startedAt: now, halfLife: 172_800 }, now + 86_400)
 */
export function lotPrice(lot: LotCurve, time: number): bigint {
  return halvingLeft(lot.startPrice, time - lot.startedAt, lot.halfLife)
}

/**
 * When the run of a lot is over: from then on it cannot be taken until someone starts it again.
 *
 * @param lot A lot, from `getLot` or `findLots`.
 * @returns Unix seconds.
 * @example
 * const end = lotEnd({ startPrice: 90_000_000_000n, startedAt: now, halfLife: 172_800 })
 */
export function lotEnd(lot: LotCurve): number {
  return lot.startedAt + tail * lot.halfLife
}

/**
 * The first second at which a lot costs no more than a price.
 *
 * @param lot A lot, from `getLot` or `findLots`.
 * @param price Base units.
 * @returns Unix seconds; `null` if its run is over before.
 * @example
 * const time = whenLotCosts({ startPrice: 90_000_000_000n, startedAt: now, halfLife: 172_800 }, 60_000_000_000n)
 */
export function whenLotCosts(lot: LotCurve, price: bigint): number | null {
  let [low, high] = [lot.startedAt, lotEnd(lot)]
  while (low < high) {
    const middle = Math.floor((low + high) / 2)
    if (lotPrice(lot, middle) <= price) high = middle
    else low = middle + 1
  }
  return low === lotEnd(lot) ? null : low
}
