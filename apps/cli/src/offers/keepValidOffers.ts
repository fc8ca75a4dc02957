import { ChainUnreachableError, verifyOfferOnChain } from '@millrace/sdk'
import type { Hash } from 'viem'
import type { Connection } from '../connection/connect.ts'
import type { FoundOffer } from './findOffers.ts'

/** An offer that does not hold on chain. */
export interface RefusedOffer {
  readonly offer: Hash
  readonly reason: string
}

/** Offers that are asked about at once, so that a public chain endpoint is not flooded. */
const atOnce = 8

/**
 * Keeps the offers that hold on chain, in their order: what a gateway lists is not signed in every part, above all not
 * the currency, which decides what a price means.
 *
 * @param most Ends as soon as so many are found.
 * @throws ChainUnreachableError; without the chain nothing can be said of an offer.
 */
export async function keepValidOffers(
  { client, deployment }: Pick<Connection, 'client' | 'deployment'>,
  offers: readonly FoundOffer[],
  { most }: { readonly most: number },
): Promise<{ readonly valid: readonly FoundOffer[]; readonly refused: readonly RefusedOffer[] }> {
  const now = Math.floor(Date.now() / 1000)
  const valid: FoundOffer[] = []
  const refused: RefusedOffer[] = []
  for (let from = 0; from < offers.length && valid.length < most; from += atOnce) {
    const some = offers.slice(from, from + atOnce)
    const checks = await Promise.allSettled(
      some.map(({ listing }) => verifyOfferOnChain(client, listing.published, { deployment, now })),
    )
    for (const [index, check] of checks.entries()) {
      const offer = some[index]
      if (offer === undefined) continue
      if (check.status === 'fulfilled') {
        valid.push(offer)
        continue
      }
      const { reason } = check
      // A chain that does not answer says nothing about the offer.
      if (reason instanceof ChainUnreachableError) throw reason
      refused.push({
        offer: offer.listing.id,
        reason: reason instanceof Error ? reason.message : String(reason),
      })
    }
  }
  return { valid: valid.slice(0, most), refused }
}
