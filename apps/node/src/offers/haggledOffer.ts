import { type HaggleTerms, hashHaggleTerms, type Offer } from '@millrace/sdk'
import { getAddress, type Hex } from 'viem'
import type { OfferTerms } from './offerKeeper.ts'

/** The offer that carries out agreed terms, for their buyer alone. Pure. */
export function haggledOffer(
  agreed: HaggleTerms,
  { terms, spec, nonce }: { readonly terms: OfferTerms; readonly spec: Hex; readonly nonce: bigint },
): Offer {
  return {
    asset: terms.asset,
    buyer: getAddress(agreed.buyer),
    pricePerHour: BigInt(agreed.price),
    bond: terms.bond,
    minDuration: terms.minDuration,
    // The price was agreed for this time; more of it is sold at the list price.
    maxDuration: Number(agreed.quantity),
    startWindow: terms.startWindow,
    expiry: agreed.validUntil,
    spec,
    terms: hashHaggleTerms(agreed),
    nonce,
  }
}
