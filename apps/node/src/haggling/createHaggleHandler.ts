import {
  agreedTerms,
  answerHaggle,
  HaggleForeignError,
  type HaggleMessage,
  haggleMessageSchema,
  hashOffer,
  parse,
  publishedOfferSchema,
  publishedOfferToJson,
  type SessionHandler,
} from '@millrace/sdk'
import type { Hash, PrivateKeyAccount } from 'viem'
import { z } from 'zod'
import type { NodeChain } from '../chain/chain.ts'
import type { Clock } from '../chain/clock.ts'
import type { NodeJournal } from '../journal/openNodeJournal.ts'
import type { LeaseTable } from '../leases/leaseTable.ts'
import type { OfferKeeper, OfferTerms } from '../offers/offerKeeper.ts'
import type { Log } from '../start/log.ts'
import { HaggleBusyError, HaggleRefusedError } from './errors.ts'
import type { NodeHaggle, NodeHaggleStore } from './openHaggleStore.ts'
import { type HagglePolicy, planHaggle } from './planHaggle.ts'

export interface HaggleHandlerOptions {
  readonly chain: NodeChain
  readonly clock: Clock
  readonly journal: NodeJournal
  readonly leases: Pick<LeaseTable, 'slotTaken'>
  readonly offers: Pick<OfferKeeper, 'slotsOf' | 'signFor'>
  readonly operator: PrivateKeyAccount
  readonly store: NodeHaggleStore
  readonly terms: OfferTerms
  /** `null` where the operator does not want to haggle. */
  readonly policy: HagglePolicy | null
  /** Messages of all buyers that are read in a minute. */
  readonly messagesPerMinute: number
  /** Haggles that may be open at a time. */
  readonly openMost: number
  /** Why no new work is taken, or `null`. */
  readonly refusal: () => string | null
  readonly log: Log
}

const requestSchema = z.strictObject({ message: haggleMessageSchema })
/** Seconds after its expiry in which an offer's opening may still come to light. */
const AFTERLIFE = 120

/**
 * Answers the session's `haggle` (protocol §12), for anyone and without a lease: who speaks is known by the messages.
 * An agreement is answered with an offer to that buyer alone, at the agreed price. Each slot has one such offer at a
 * time; like the offers at list price it is good for whoever opens first, and the second lease gets everything back.
 */
export function createHaggleHandler(options: HaggleHandlerOptions): SessionHandler {
  const { chain, clock, journal, leases, offers, operator, store, terms, policy } = options
  const domain = { chainId: chain.chainId, market: chain.contracts.market }
  const takeTurn = createRate(options.messagesPerMinute, () => clock.now())
  /** One at a time: of two agreements on one slot the second must see the first. */
  let running: Promise<unknown> = Promise.resolve()

  /** Whether an offer made in a haggle can still be opened on this slot. */
  const promised = (slot: number, now: number) =>
    Object.values(journal.state.offers).some(
      ({ slot: its, buyer, expiry, ended }) =>
        its === slot && buyer !== undefined && expiry >= now && ended !== 'opened' && ended !== 'cancelled',
    )

  function freeSlot(spec: Hash, now: number): number {
    const reason = options.refusal()
    if (reason !== null) throw new HaggleRefusedError({ reason, retryable: true })
    const slots = offers.slotsOf(spec)
    if (slots.length === 0)
      throw new HaggleRefusedError({ reason: `it does not offer spec '${spec}' now`, retryable: true })
    const free = slots.find((slot) => !leases.slotTaken(slot) && !promised(slot, now))
    if (free === undefined)
      throw new HaggleRefusedError({ reason: 'what was called for is hired or promised', retryable: true })
    return free
  }

  /** Notes the offer of an agreement before anyone can see it: a lease on it is then known for ours. */
  async function note({ slot, published }: NonNullable<NodeHaggle['deal']>, now: number): Promise<void> {
    const { offer, spec } = parse(publishedOfferSchema, published, 'offer')
    const id = hashOffer(offer, domain)
    if (journal.state.offers[id] !== undefined || offer.expiry < now) return
    // Only a crash between the store and this line leads here a second time; the slot may be gone since.
    const refusal = options.refusal()
    if (refusal !== null || leases.slotTaken(slot) || promised(slot, now))
      throw new HaggleRefusedError({ reason: refusal ?? 'what was agreed on is hired or promised' })
    const { buyer, nonce, expiry, terms: agreed } = offer
    const signed = { id, slot, nonce: nonce.toString(), expiry, spec, buyer, terms: agreed }
    await journal.note({ type: 'offer.signed', ...signed })
    options.log.info({
      event: 'haggle.agreed',
      offer: id,
      slot,
      buyer,
      pricePerHour: String(offer.pricePerHour),
    })
  }

  function isNeeded({ haggle, deal }: NodeHaggle, now: number): boolean {
    // Forgotten before its deadline, a call that came again would get a second answer.
    if (deal === null) return haggle.call.deadline >= now
    const { offer } = parse(publishedOfferSchema, deal.published, 'offer')
    return offer.expiry + AFTERLIFE >= now || journal.state.leases[hashOffer(offer, domain)] !== undefined
  }

  async function answer(message: HaggleMessage) {
    if (policy === null) throw new HaggleRefusedError({ reason: 'it sells at its list price only' })
    const now = Math.floor(clock.now())
    await store.prune((kept) => isNeeded(kept, now))
    const kept = await store.get(message.haggle)
    const side = { ...domain, client: chain.client, signer: operator, now: () => now }
    const call = kept?.haggle.call ?? (message.act === 'call' ? message.call : null)
    if (call === null) throw new HaggleForeignError({ haggle: message.haggle, wanted: null })
    if (kept === null) {
      const open = store.all().filter(({ haggle }) => haggle.state === 'open').length
      if (open >= options.openMost)
        throw new HaggleBusyError({ what: 'haggles are open', seen: open, allowed: options.openMost })
    }
    const startedAt = kept?.startedAt ?? now
    const plan = planHaggle(call, { operator: operator.address, terms, policy, startedAt })
    const before = kept?.haggle ?? null
    if (kept !== null && before?.state !== 'open') {
      // Over: a message that came again gets what it got, anything else an error; nothing is signed.
      const { answer } = await answerHaggle(before, message, { ...side, ...plan, startedAt })
      if (kept.deal !== null) await note(kept.deal, now)
      return { answer, offer: kept.deal?.published ?? null }
    }
    const slot = freeSlot(call.subject.type === 'lease' ? call.subject.spec : '0x', now)
    const { haggle, answer } = await answerHaggle(before, message, { ...side, ...plan, startedAt })
    const agreed = agreedTerms(haggle)
    const deal = agreed === null ? null : { slot, published: await offers.signFor(slot, agreed) }
    const json = deal === null ? null : { slot, published: publishedOfferToJson(deal.published) }
    await store.put({ haggle, startedAt, deal: json })
    if (json !== null) await note(json, now)
    return { answer, offer: json?.published ?? null }
  }

  return async ({ params }) => {
    const { message } = parse(requestSchema, params, 'haggle request')
    takeTurn()
    const mine = running.then(() => answer(message))
    running = mine.catch(() => undefined)
    return { result: await mine }
  }
}

/** Counts by the minute; throws beyond `most`. */
function createRate(most: number, now: () => number): () => void {
  let minute = 0
  let count = 0
  return () => {
    const current = Math.floor(now() / 60)
    if (current !== minute) count = 0
    minute = current
    if (count >= most) throw new HaggleBusyError({ what: 'messages this minute', seen: count, allowed: most })
    count++
  }
}
