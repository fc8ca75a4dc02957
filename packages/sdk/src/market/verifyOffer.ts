import type { Hash } from 'viem'
import { isAddressEqual } from 'viem'
import { recoverSigner } from '../accounts/recoverSigner.ts'
import {
  OfferExpiredError,
  OfferForeignError,
  OfferTermsError,
  OfferTooLongLivedError,
  SignatureInvalidError,
  SpecMismatchError,
} from '../errors/market.ts'
import type { MarketDomain } from './domain.ts'
import { hashOffer } from './hashOffer.ts'
import type { PublishedOffer } from './offer.ts'
import { hashSpec } from './spec.ts'

/** How far ahead of now an offer may expire, in seconds. */
export const maxOfferLife = 86_400

/** What an offer is held against. */
export interface VerifyOfferOptions extends MarketDomain {
  /** Unix seconds. */
  readonly now: number
  /**
   * `account` (default): the operator must have signed with a key. `skip`: the signature is left to
   * `verifyOfferOnChain`, which also understands operators that are contracts.
   */
  readonly signature?: 'account' | 'skip'
}

/**
 * Makes every check of an offer that needs no chain (protocol §2): right market, sound terms, spec as signed, not
 * expired, not too far ahead, signed by the operator it names.
 *
 * @param published The offer as it came, read by `publishedOfferSchema`.
 * @param options The market it must be for, and the time in Unix seconds.
 * @returns The offer's id.
 * @throws OfferForeignError | OfferTermsError | SpecMismatchError | OfferExpiredError | OfferTooLongLivedError |
 * SignatureInvalidError
 * @example
 * const id = await verifyOffer(published, { chainId: 31337, market, now: 1_790_000_000 })
 */
export async function verifyOffer(published: PublishedOffer, options: VerifyOfferOptions): Promise<Hash> {
  const { offer, operator } = published
  const { now, chainId, market } = options
  if (published.chainId !== chainId || !isAddressEqual(published.market, market)) {
    throw new OfferForeignError({
      chainId: published.chainId,
      market: published.market,
      wantedChainId: chainId,
      wantedMarket: market,
    })
  }
  if (offer.asset === 0n) throw new OfferTermsError({ reason: 'asset ids start at 1' })
  if (offer.maxDuration === 0) throw new OfferTermsError({ reason: 'the longest lease is 0 seconds' })
  if (offer.minDuration > offer.maxDuration) {
    throw new OfferTermsError({
      reason: `the shortest lease (${offer.minDuration} s) is longer than the longest (${offer.maxDuration} s)`,
    })
  }
  const spec = hashSpec(published.spec)
  if (spec !== offer.spec) throw new SpecMismatchError({ hash: spec, signed: offer.spec })
  if (offer.expiry < now) throw new OfferExpiredError({ expiry: offer.expiry, now })
  if (offer.expiry > now + maxOfferLife)
    throw new OfferTooLongLivedError({ expiry: offer.expiry, latest: now + maxOfferLife })
  const id = hashOffer(offer, { chainId, market })
  if (options.signature !== 'skip') {
    const recovered = await recoverSigner(id, published.signature)
    if (recovered === null || !isAddressEqual(recovered, operator))
      throw new SignatureInvalidError({ what: 'offer', wanted: operator, recovered })
  }
  return id
}
