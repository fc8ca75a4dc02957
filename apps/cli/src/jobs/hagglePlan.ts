import {
  agreedTerms,
  checkHaggledOffer,
  type HaggleCall,
  type HaggleMessage,
  haggle,
  MillraceError,
  offerRow,
  outsideOption,
  type PublishedOffer,
  priceUp,
  timeDependent,
  verifyOfferOnChain,
} from '@millrace/sdk'
import { bytesToHex, isAddressEqual } from 'viem'
import type { Connection } from '../connection/connect.ts'
import type { OpenAccount } from '../connection/openAccount.ts'
import { formatAmount, parseAmount } from '../output/amounts.ts'
import type { OnJobEvent } from './events.ts'
import { unixNow } from './jobContext.ts'
import { openMachineSession } from './jobSession.ts'
import { type Candidate, fundsFor, type JobPlan } from './planJob.ts'

export interface HagglePlanOptions {
  readonly buyer: OpenAccount
  /** Most per hour to agree to, in whole units of the currency; the best list price where it is null. */
  readonly reserve: string | null
  readonly emit: OnJobEvent
}

/** Machines that are asked. One after the other: what one agreed to is the least that the next has to beat. */
const mostMachines = 3
const rounds = 8
/** Seconds of a haggle, and in which an agreement can be opened. */
const haggleSeconds = 30
const openSeconds = 120

/**
 * Haggles with the best machines of a plan for a lower price. Machines that stay firm, do not haggle or do not answer
 * leave the plan as it was.
 *
 * @returns The plan with the best agreement as its first candidate, ahead of the list prices.
 * @throws AmountInvalidError for a reserve that is no amount; what the wallet or the chain says
 */
export async function hagglePlan(
  connection: Connection,
  plan: JobPlan,
  options: HagglePlanOptions,
): Promise<JobPlan> {
  const { buyer, reserve } = options
  const [best] = plan.candidates
  const { currency } = best.offer
  const limit = reserve === null ? null : parseAmount(reserve, currency)
  // Amounts in another currency mean something else.
  const listed = plan.candidates.filter(({ offer }) =>
    isAddressEqual(offer.currency.address, currency.address),
  )
  const prices = listed.map(priceOf)
  let agreed: Candidate | null = null
  for (const candidate of oneOfEach(listed).slice(0, mostMachines)) {
    const least = outsideOption({
      side: 'buyer',
      limit: priceOf(candidate),
      prices: agreed === null ? prices : [...prices, priceOf(agreed)],
    })
    // An agreement at what can be had anyway is none.
    const reservation = limit !== null && limit < least ? limit : least - 1n
    if (reservation < 1n) break
    agreed = (await haggleFor(connection, candidate, { ...options, reservation })) ?? agreed
  }
  if (agreed === null) return plan
  const funds = await fundsFor(connection, buyer.account.address, agreed)
  const reason = `agreed on ${formatAmount(priceOf(agreed), currency)} an hour, listed at ${formatAmount(priceOf(best), currency)}`
  return { ...plan, candidates: [agreed, ...plan.candidates], reason, funds }
}

const priceOf = ({ offer }: Candidate): bigint => offer.listing.published.offer.pricePerHour

/** The first offer of each machine. */
function oneOfEach(candidates: readonly Candidate[]): readonly Candidate[] {
  const deviceOf = ({ offer }: Candidate) => offer.listing.published.spec.device
  return candidates.filter(
    (candidate, index) => candidates.findIndex((other) => deviceOf(other) === deviceOf(candidate)) === index,
  )
}

async function haggleFor(
  connection: Connection,
  candidate: Candidate,
  { buyer, emit, reservation }: HagglePlanOptions & { readonly reservation: bigint },
): Promise<Candidate | null> {
  const { listing, currency } = candidate.offer
  const { device } = listing.published.spec
  const listPricePerHour = priceOf(candidate)
  const ids = { offer: listing.id, device, listPricePerHour }
  emit({ event: 'haggling', offer: listing.id, device })
  const firm = (text: string, messages = 0): null => {
    emit({ event: 'haggled', ...ids, pricePerHour: null, lease: null, terms: null, messages, text })
    return null
  }
  try {
    const { messages, published } = await talk(connection, candidate, { buyer, reservation })
    if (published === null) return firm('no agreement: the list price counts', messages.length)
    const { deployment, client } = connection
    const id = await verifyOfferOnChain(client, published, { deployment, now: unixNow() })
    const { pricePerHour, terms } = published.offer
    const { reliability, verified } = listing
    const text = `agreed on ${formatAmount(pricePerHour, currency)} an hour instead of ${formatAmount(listPricePerHour, currency)}`
    emit({ event: 'haggled', ...ids, pricePerHour, lease: id, terms, messages: messages.length, text })
    return {
      ...candidate,
      offer: {
        listing: { ...listing, id, published },
        row: offerRow(published, { id, decimals: currency.decimals, reliability, verified }),
        currency,
      },
      maxCost: priceUp(pricePerHour, candidate.duration),
      haggle: messages,
    }
  } catch (error) {
    if (!(error instanceof MillraceError)) throw error
    return firm(`no agreement, the list price counts: ${error.message}`)
  }
}

/** The conversation with one machine: no lease is needed, who speaks is known by the messages. */
async function talk(
  connection: Connection,
  { offer: { listing }, duration }: Candidate,
  { buyer, reservation }: { readonly buyer: OpenAccount; readonly reservation: bigint },
): Promise<{ readonly messages: readonly HaggleMessage[]; readonly published: PublishedOffer | null }> {
  const { published } = listing
  const { chainId, market } = connection.deployment
  const now = unixNow()
  const call: HaggleCall = {
    version: 1,
    salt: bytesToHex(crypto.getRandomValues(new Uint8Array(32))),
    buyer: buyer.account.address,
    seller: published.operator,
    currency: published.currency,
    subject: { type: 'lease', asset: published.offer.asset.toString(), spec: published.offer.spec },
    quantity: { least: `${duration}`, most: `${duration}` },
    // The list price is public; what would be paid at most is not.
    maxPrice: published.offer.pricePerHour.toString(),
    maxRounds: rounds,
    deadline: Math.min(now + haggleSeconds, published.offer.expiry),
    // A machine makes no offer that lives longer than those it lists.
    validUntil: Math.min(now + openSeconds, published.offer.expiry),
  }
  const session = await openMachineSession(connection, { published })
  let offer: PublishedOffer | null = null
  try {
    const ended = await haggle({
      chainId,
      market,
      client: connection.client,
      signer: buyer.account,
      call,
      strategy: timeDependent({ first: reservation / 2n, reservation, shape: 1 }),
      reservation,
      quantity: BigInt(duration),
      now: unixNow,
      async exchange(message) {
        const { result } = await session.request('haggle', { message }, undefined, { timeout: 15_000 })
        offer = result.offer ?? offer
        return result.answer
      },
    })
    const terms = agreedTerms(ended)
    if (terms === null || offer === null) return { messages: ended.messages, published: null }
    checkHaggledOffer(offer, terms)
    return { messages: ended.messages, published: offer }
  } finally {
    session.close()
  }
}
