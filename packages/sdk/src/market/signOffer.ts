import type { Hex } from 'viem'
import type { Signer } from '../accounts/signer.ts'
import { type MarketDomain, marketDomain, offerTypes } from './domain.ts'
import type { Offer } from './offer.ts'

/**
 * Signs an offer as the asset's operator.
 *
 * @param signer The operator's account.
 * @param offer The terms.
 * @param domain Chain id and market address the offer is for.
 * @returns The signature, 65 bytes.
 * @example
 * const signature = await signOffer(privateKeyToAccount(key), offer, { chainId: 31337, market })
 */
export function signOffer(signer: Signer, offer: Offer, domain: MarketDomain): Promise<Hex> {
  return signer.signTypedData({
    domain: marketDomain(domain),
    types: offerTypes,
    primaryType: 'Offer',
    message: offer,
  })
}
