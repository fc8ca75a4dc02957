import { type Hash, hashTypedData } from 'viem'
import { type MarketDomain, marketDomain, offerTypes } from './domain.ts'
import type { Offer } from './offer.ts'

/**
 * Names an offer: its EIP-712 digest, which is also the id of the lease opened on it. Needs no chain.
 *
 * @param offer The terms.
 * @param domain Chain id and market address the offer is for.
 * @returns 32 bytes in hex, equal to `IMarket.hashOffer`.
 * @see https://eips.ethereum.org/EIPS/eip-712
 * @example
 * const lease = hashOffer(published.offer, published)
 */
export function hashOffer(offer: Offer, domain: MarketDomain): Hash {
  return hashTypedData({
    domain: marketDomain(domain),
    types: offerTypes,
    primaryType: 'Offer',
    message: offer,
  })
}
