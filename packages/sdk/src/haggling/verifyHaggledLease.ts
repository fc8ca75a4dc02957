import { type Hash, isAddressEqual } from 'viem'
import { verifySignature } from '../accounts/verifySignature.ts'
import { HaggleDealError, HaggleOverError } from '../errors/haggling.ts'
import type { Lease } from '../market/lease.ts'
import type { PublishedOffer } from '../market/offer.ts'
import { verifyOffer } from '../market/verifyOffer.ts'
import type { ReadClient } from '../transactions/write.ts'
import { checkHaggledOffer } from './checkHaggledOffer.ts'
import { agreedTerms } from './haggle.ts'
import type { HaggleMessage } from './message.ts'
import { receiveHaggleMessage } from './receiveHaggleMessage.ts'
import type { HaggleTerms } from './terms.ts'
import type { Haggle } from './transcript.ts'

/** A lease with what was said before it. */
export interface HaggledLease {
  /** All messages of the haggle, from the call to the acceptance, read by `haggleMessageSchema`. */
  readonly messages: readonly HaggleMessage[]
  /** The offer that the seller signed after the agreement, read by `publishedOfferSchema`. */
  readonly published: PublishedOffer
  /** The lease as the chain, or a verified receipt, names it; of a receipt also the hash of the terms in it. */
  readonly lease: Pick<Lease, 'id' | 'asset' | 'buyer' | 'pricePerHour'> & { readonly terms?: Hash }
}

/**
 * Verifies that a lease is what two parties haggled for, from documents alone: every message of the transcript is signed
 * and follows the one before, it ends in an agreement, the offer carries the agreed terms and is signed by the seller,
 * and the lease is the one on that offer. The clock is no part of it: a haggle stays proven after its deadline.
 *
 * @param haggled Transcript, offer and lease.
 * @param options A viem client of the chain if one of the parties is a contract (ERC-1271); without one no chain is asked.
 * @returns The terms both sides signed for.
 * @throws HaggleOverError if they did not agree; HaggleDealError naming what differs; what `receiveHaggleMessage` and
 * `verifyOffer` throw.
 * @example
 * const terms = await verifyHaggledLease({ messages, published, lease })
 */
export async function verifyHaggledLease(
  haggled: HaggledLease,
  options: { readonly client?: ReadClient } = {},
): Promise<HaggleTerms> {
  const { messages, published, lease } = haggled
  const { chainId, market, offer } = published
  let haggle: Haggle | null = null
  for (const message of messages) {
    const deadline: number = haggle?.call.deadline ?? (message.act === 'call' ? message.call.deadline : 0)
    haggle = await receiveHaggleMessage(haggle, message, { ...options, chainId, market, now: deadline })
  }
  const terms = haggle === null ? null : agreedTerms(haggle)
  if (haggle === null || terms === null)
    throw new HaggleOverError({
      haggle: haggle?.id ?? offer.terms,
      outcome: `the transcript of ${messages.length} messages ends without an agreement`,
    })
  checkHaggledOffer(published, terms)
  const { client } = options
  const signature = client === undefined ? 'account' : 'skip'
  const id = await verifyOffer(published, { chainId, market, now: offer.expiry, signature })
  if (client !== undefined) {
    const { operator: signer, signature } = published
    await verifySignature(client, { what: 'offer', signer, hash: id, signature })
  }
  const differs = (field: string, seen: unknown, agreed: unknown) =>
    new HaggleDealError({ field, seen: `${seen}`, agreed: `${agreed}` })
  if (lease.id.toLowerCase() !== id) throw differs('lease', lease.id, id)
  if (lease.terms !== undefined && lease.terms.toLowerCase() !== offer.terms.toLowerCase())
    throw differs('terms of the lease', lease.terms, offer.terms)
  if (lease.asset !== offer.asset) throw differs('asset of the lease', lease.asset, offer.asset)
  if (!isAddressEqual(lease.buyer, terms.buyer)) throw differs('buyer of the lease', lease.buyer, terms.buyer)
  if (lease.pricePerHour !== BigInt(terms.price))
    throw differs('price per hour of the lease', lease.pricePerHour, terms.price)
  return terms
}
