import type { OfferRecord } from '../journal/entries.ts'

export interface OfferPlanInput {
  readonly offers: readonly OfferRecord[]
  readonly slots: number
  readonly slotTaken: (slot: number) => boolean
  /** Whether new work is taken at all. */
  readonly open: boolean
  /** The chain's time, Unix seconds. */
  readonly now: number
  readonly ttl: number
  /** With a bond two offers of one slot must never be good at the same time: one of two leases would cost the bond. */
  readonly bonded: boolean
  /** Hash of what each slot offers now. */
  readonly specOf: (slot: number) => string
  readonly hashSpecOf: (offer: OfferRecord) => string
}

export interface OfferPlan {
  /** Slots that need a fresh offer. */
  readonly sign: readonly number[]
  /** Offers to hide at gateways. */
  readonly withdraw: readonly OfferRecord[]
  /** Offers that were out long enough after their expiry: look at the chain a last time, then forget. */
  readonly retire: readonly OfferRecord[]
}

/** Seconds after its expiry in which an offer's opening may still come to light. */
const AFTERLIFE = 120

/** Decides which offers to sign, hide and forget. Pure. */
export function planOffers(input: OfferPlanInput): OfferPlan {
  const { offers, now, ttl } = input
  const sign: number[] = []
  const live = offers.filter((offer) => offer.ended === null && offer.expiry > now)
  for (let slot = 0; slot < input.slots; slot++) {
    if (!input.open || input.slotTaken(slot)) continue
    const own = live.filter((offer) => offer.slot === slot && input.hashSpecOf(offer) === input.specOf(slot))
    const latest = Math.max(0, ...own.map((offer) => offer.expiry))
    // Whatever can still be opened counts, hidden or not.
    const openable = offers.some(
      (offer) => offer.slot === slot && offer.expiry >= now && offer.ended !== 'opened',
    )
    if (input.bonded ? !openable : latest - now < ttl / 2) sign.push(slot)
  }
  const withdraw = live.filter(
    (offer) => !input.open || offer.slot >= input.slots || input.slotTaken(offer.slot),
  )
  const retire = offers.filter((offer) => offer.ended !== 'opened' && offer.expiry + AFTERLIFE < now)
  return { sign, withdraw, retire }
}
