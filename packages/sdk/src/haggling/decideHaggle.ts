import type { HaggleSpeech } from './message.ts'
import type { Strategy } from './strategy.ts'
import type { HaggleTerms } from './terms.ts'
import type { Haggle } from './transcript.ts'

/** How one side decides. */
export interface DecideHaggleOptions {
  readonly side: 'buyer' | 'seller'
  readonly strategy: Strategy
  /** Worst price it agrees to, in base units: no proposal and no acceptance goes beyond it. */
  readonly reservation: bigint
  /** Seconds of a lease or units of a service that this side names when it proposes first. */
  readonly quantity: bigint
  /** When the haggle began, Unix seconds: time is used up from then to the call's deadline. */
  readonly startedAt: number
  /** Unix seconds. */
  readonly now: number
}

/**
 * Decides what one side says next: it accepts what is at least as good as its own next price (Faratin et al. 1998,
 * §3), counters while rounds are left, and rejects otherwise.
 *
 * @param haggle Where the haggle stands; it must be this side's turn.
 * @param options Side, strategy, reservation price, quantity, and times in Unix seconds.
 * @returns What to sign and send.
 * @example
 * const speech = decideHaggle(state, { ...seller, side: 'seller', startedAt, now })
 */
export function decideHaggle(haggle: Haggle, options: DecideHaggleOptions): HaggleSpeech {
  const { side, strategy, reservation, startedAt, now } = options
  const { call, proposals } = haggle
  const prices = proposals.map(({ price }) => BigInt(price))
  // The seller proposes first, so that its proposals are those with even numbers.
  const bySeller = prices.filter((_, index) => index % 2 === 0)
  const byBuyer = prices.filter((_, index) => index % 2 === 1)
  const [own, other] = side === 'seller' ? [bySeller, byBuyer] : [byBuyer, bySeller]
  const rounds = call.maxRounds === 1 ? 1 : proposals.length / (call.maxRounds - 1)
  const time = call.deadline > startedAt ? (now - startedAt) / (call.deadline - startedAt) : 1
  const progress = Math.min(1, Math.max(0, rounds, time))
  const wished = strategy({ side, own, other, progress })
  const next = worse(side, wished, reservation) ? reservation : wished

  const last = proposals.at(-1)
  const best = other.at(-1)
  const roundsLeft = proposals.length < call.maxRounds
  if (last !== undefined && best !== undefined) {
    // With no round left there is no own price to wait for: the reservation alone decides.
    if (!worse(side, best, roundsLeft ? next : reservation)) return { act: 'accept' }
  }
  const ceiling = BigInt(call.maxPrice)
  if (!roundsLeft || (side === 'seller' && reservation > ceiling)) return { act: 'reject' }
  const price = next > ceiling ? ceiling : next
  const quantity = last?.quantity ?? clampQuantity(options.quantity, call.quantity)
  const { buyer, seller, currency, subject, validUntil } = call
  const terms: HaggleTerms = {
    version: 1,
    haggle: haggle.id,
    buyer,
    seller,
    currency,
    subject,
    quantity,
    price: price.toString(),
    validUntil,
  }
  return { act: proposals.length === 0 ? 'propose' : 'counter', terms }
}

const worse = (side: 'buyer' | 'seller', price: bigint, than: bigint) =>
  side === 'buyer' ? price > than : price < than

function clampQuantity(quantity: bigint, { least, most }: { least: string; most: string }): string {
  if (quantity < BigInt(least)) return least
  return quantity > BigInt(most) ? most : quantity.toString()
}
