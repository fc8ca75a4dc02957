import {
  agreedTerms,
  checkHaggledOffer,
  type Haggle,
  type HaggleOptions,
  type HaggleOutcome,
  haggleBest,
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
import { describeUnknown } from '../output/output.ts'
import type { JobEvent, OnJobEvent } from './events.ts'
import { unixNow } from './jobContext.ts'
import { openMachineSession } from './jobSession.ts'
import { type Candidate, fundsFor, type JobPlan } from './planJob.ts'

export interface HagglePlanOptions {
  readonly buyer: OpenAccount
  /** Most per hour to agree to, in whole units of the currency; the best list price where it is null. */
  readonly reserve: string | null
  /** Seconds from now for which an agreement can be opened. Default 120. */
  readonly openSeconds?: number
  readonly emit: OnJobEvent
}

/** Machines that are asked, all at once. */
const mostMachines = 8
const rounds = 8
/** Seconds of a haggle. */
const haggleSeconds = 30

/**
 * Haggles with the best machines of a plan at once for a lower price, and accepts the lowest. Machines that stay firm, do not haggle or do not
 * answer leave the plan as it was. Nothing is paid here: an agreement that is never opened costs nobody anything.
 *
 * @returns The plan with the best agreement as its first candidate, ahead of the list prices.
 * @throws AmountInvalidError for a reserve that is no amount; what the wallet or the chain says
 */
export async function hagglePlan(
  connection: Connection,
  plan: JobPlan,
  options: HagglePlanOptions,
): Promise<JobPlan> {
  const { buyer, reserve, emit, openSeconds = 120 } = options
  const [best] = plan.candidates
  const { currency } = best.offer
  const limit = reserve === null ? null : parseAmount(reserve, currency)
  // Amounts in another currency mean something else.
  const listed = plan.candidates.filter(({ offer }) =>
    isAddressEqual(offer.currency.address, currency.address),
  )
  const prices = listed.map(priceOf)
  const talks = oneOfEach(listed)
    .slice(0, mostMachines)
    .flatMap((candidate): readonly Talk[] => {
      const least = outsideOption({ side: 'buyer', limit: priceOf(candidate), prices })
      // An agreement at what can be had anyway is none.
      const reservation = limit !== null && limit < least ? limit : least - 1n
      return reservation < 1n ? [] : [openTalk(connection, candidate, { buyer, reservation, openSeconds })]
    })
  for (const { candidate } of talks) emit({ event: 'haggling', ...idsOf(candidate) })
  const candidates = new Map<number, Candidate>()
  try {
    const { agreed, outcomes } = await haggleBest({
      haggles: talks,
      async confirm(ended, index) {
        const talk = talks[index]
        const made = talk === undefined ? null : await makeCandidate(connection, talk, ended)
        if (made !== null) candidates.set(index, made)
        return made !== null
      },
    })
    for (const [index, { candidate }] of talks.entries())
      emit(
        haggledEvent(candidate, agreed.includes(index) ? candidates.get(index) : undefined, outcomes[index]),
      )
    const [first, ...others] = agreed.flatMap((index) => candidates.get(index) ?? [])
    if (first === undefined) return plan
    const funds = await fundsFor(connection, buyer.account.address, first)
    const reason = `agreed on ${formatAmount(priceOf(first), currency)} an hour, listed at ${formatAmount(priceOf(best), currency)}`
    return { ...plan, candidates: [first, ...others, ...plan.candidates], reason, funds }
  } finally {
    for (const { close } of talks) close()
  }
}

const priceOf = ({ offer }: Candidate): bigint => offer.listing.published.offer.pricePerHour

/** The first offer of each machine. */
function oneOfEach(candidates: readonly Candidate[]): readonly Candidate[] {
  const deviceOf = ({ offer }: Candidate) => offer.listing.published.spec.device
  return candidates.filter(
    (candidate, index) => candidates.findIndex((other) => deviceOf(other) === deviceOf(candidate)) === index,
  )
}

/** A conversation with one machine: no lease is needed, who speaks is known by the messages. */
interface Talk extends Omit<HaggleOptions, 'reconsider'> {
  readonly candidate: Candidate
  /** What the machine signed after the agreement. */
  readonly offer: () => PublishedOffer | null
  readonly close: () => void
}

function openTalk(
  connection: Connection,
  candidate: Candidate,
  options: { readonly buyer: OpenAccount; readonly reservation: bigint; readonly openSeconds: number },
): Talk {
  const { buyer, reservation, openSeconds } = options
  const { offer: found, duration } = candidate
  const { published } = found.listing
  const { chainId, market } = connection.deployment
  const now = unixNow()
  let session: ReturnType<typeof openMachineSession> | null = null
  let offer: PublishedOffer | null = null
  return {
    ...{ candidate, chainId, market, client: connection.client, signer: buyer.account, reservation },
    call: {
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
    },
    strategy: timeDependent({ first: reservation / 2n, reservation, shape: 1 }),
    quantity: BigInt(duration),
    now: unixNow,
    async exchange(message) {
      session ??= openMachineSession(connection, { published })
      const { result } = await (await session).request('haggle', { message }, undefined, { timeout: 15_000 })
      offer = result.offer ?? offer
      return result.answer
    },
    offer: () => offer,
    close: () => {
      session?.then(
        (opened) => opened.close(),
        () => undefined,
      )
    },
  }
}

/**
 * The candidate at the agreed price, once the machine's offer is what was agreed and holds on chain.
 *
 * @throws HaggleDealError, and what `verifyOfferOnChain` throws
 */
async function makeCandidate(connection: Connection, talk: Talk, ended: Haggle): Promise<Candidate | null> {
  const terms = agreedTerms(ended)
  const published = talk.offer()
  if (terms === null || published === null) return null
  checkHaggledOffer(published, terms)
  const { deployment, client } = connection
  const id = await verifyOfferOnChain(client, published, { deployment, now: unixNow() })
  const { candidate } = talk
  const { listing, currency } = candidate.offer
  const { reliability, verified } = listing
  return {
    ...candidate,
    offer: {
      listing: { ...listing, id, published },
      row: offerRow(published, { id, decimals: currency.decimals, reliability, verified }),
      currency,
    },
    maxCost: priceUp(published.offer.pricePerHour, candidate.duration),
    haggle: ended.messages,
  }
}

const idsOf = ({ offer: { listing } }: Candidate) => ({
  offer: listing.id,
  device: listing.published.spec.device,
})

function haggledEvent(
  candidate: Candidate,
  made: Candidate | undefined,
  outcome: HaggleOutcome | undefined,
): JobEvent & { readonly event: 'haggled' } {
  const { currency } = candidate.offer
  const listPricePerHour = priceOf(candidate)
  const ids = { event: 'haggled', ...idsOf(candidate), listPricePerHour } as const
  const messages = outcome !== undefined && 'haggle' in outcome ? outcome.haggle.messages.length : 0
  if (made !== undefined) {
    const { id, published } = made.offer.listing
    const { pricePerHour, terms } = published.offer
    const text = `agreed on ${formatAmount(pricePerHour, currency)} an hour instead of ${formatAmount(listPricePerHour, currency)}`
    return { ...ids, pricePerHour, lease: id, terms, messages, text }
  }
  const text =
    outcome?.type === 'failed'
      ? `no agreement, the list price counts: ${describeUnknown(outcome.error)}`
      : outcome?.type === 'left'
        ? 'no answer in time: the list price counts'
        : 'no agreement: the list price counts'
  return { ...ids, pricePerHour: null, lease: null, terms: null, messages, text }
}
