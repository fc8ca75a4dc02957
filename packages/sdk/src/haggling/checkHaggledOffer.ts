import { isAddressEqual } from 'viem'
import { HaggleDealError } from '../errors/haggling.ts'
import type { PublishedOffer } from '../market/offer.ts'
import { type HaggleTerms, hashHaggleTerms } from './terms.ts'

/**
 * Checks that an offer carries out agreed terms, before its buyer opens it: the same parties, asset, spec, currency and
 * price, the agreed duration within its bounds, open no longer than agreed, and the hash of the terms in it. What an
 * offer must be in itself, `verifyOfferOnChain` checks.
 *
 * @param published The offer that the seller signed after the agreement.
 * @param terms What both sides agreed on.
 * @throws HaggleDealError naming the first field that differs.
 * @example
 * checkHaggledOffer(published, agreed)
 */
export function checkHaggledOffer(published: PublishedOffer, terms: HaggleTerms): void {
  const { offer, operator, currency } = published
  const { subject } = terms
  const refuse = (field: string, seen: unknown, agreed: unknown): never => {
    throw new HaggleDealError({ field, seen: `${seen}`, agreed: `${agreed}` })
  }
  if (subject.type !== 'lease')
    throw new HaggleDealError({ field: 'subject', seen: 'lease', agreed: subject.type })
  const hash = hashHaggleTerms(terms)
  if (offer.terms !== hash) refuse('hash of the terms', offer.terms, hash)
  if (!isAddressEqual(offer.buyer, terms.buyer)) refuse('buyer', offer.buyer, terms.buyer)
  if (!isAddressEqual(operator, terms.seller)) refuse('operator', operator, terms.seller)
  if (!isAddressEqual(currency, terms.currency)) refuse('currency', currency, terms.currency)
  if (offer.asset !== BigInt(subject.asset)) refuse('asset', offer.asset, subject.asset)
  if (offer.spec.toLowerCase() !== subject.spec.toLowerCase()) refuse('spec', offer.spec, subject.spec)
  if (offer.pricePerHour !== BigInt(terms.price)) refuse('price per hour', offer.pricePerHour, terms.price)
  const duration = BigInt(terms.quantity)
  if (BigInt(offer.minDuration) > duration) refuse('shortest lease', offer.minDuration, duration)
  if (BigInt(offer.maxDuration) < duration) refuse('longest lease', offer.maxDuration, duration)
  if (offer.expiry > terms.validUntil) refuse('expiry', offer.expiry, terms.validUntil)
}
