import { randomBytes } from 'node:crypto'
import {
  type GatewayClient,
  type HaggleTerms,
  hashOffer,
  hashSpec,
  type Offer,
  type PublishedOffer,
  type Spec,
  signOffer,
  signWithdraw,
} from '@millrace/sdk'
import { type Address, bytesToBigInt, type Hex, type PrivateKeyAccount, zeroAddress, zeroHash } from 'viem'
import type { NodeChain } from '../chain/chain.ts'
import type { Clock } from '../chain/clock.ts'
import type { Sender } from '../chain/sender.ts'
import type { OfferRecord } from '../journal/entries.ts'
import type { NodeJournal } from '../journal/openNodeJournal.ts'
import { LeaseUnknownError } from '../leases/errors.ts'
import type { LeaseTable } from '../leases/leaseTable.ts'
import type { Log } from '../start/log.ts'
import { SlotUnknownError } from './errors.ts'
import { haggledOffer } from './haggledOffer.ts'
import { planOffers } from './planOffers.ts'

export interface OfferTerms {
  readonly asset: bigint
  readonly currency: Address
  /** Base units. */
  readonly pricePerHour: bigint
  /** Base units. */
  readonly bond: bigint
  readonly minDuration: number
  readonly maxDuration: number
  readonly startWindow: number
  readonly ttl: number
}

export interface OfferKeeperOptions {
  readonly chain: NodeChain
  readonly clock: Clock
  readonly sender: Sender
  readonly journal: NodeJournal
  readonly leases: LeaseTable
  readonly operator: PrivateKeyAccount
  readonly terms: OfferTerms
  /** What each slot offers; as many at every round. */
  readonly specs: () => readonly Spec[] | Promise<readonly Spec[]>
  readonly gateways: readonly GatewayClient[]
  /** Why no new work is taken, or `null`. */
  readonly refusal: () => string | null
  readonly log: Log
}

export interface OfferKeeper {
  /** One round: signs, publishes, hides and forgets what is due. Never throws. */
  tick(): Promise<void>
  /** Publish everything again at this gateway: it may have forgotten. */
  republish(gateway: string): void
  /** Slots that offer exactly this spec now. */
  slotsOf(spec: Hex): readonly number[]
  /**
   * Signs the offer that carries out agreed terms on a slot, for their buyer alone. It is not noted and no gateway is told
   * of it; a cancellation voids it with the others of its slot. Throws viem's errors.
   */
  signFor(slot: number, agreed: HaggleTerms): Promise<PublishedOffer>
  /** Offers that are advertised now. */
  readonly live: number
  /** Voids on chain what could still be opened. Throws viem's errors. */
  cancelAll(): Promise<void>
}

/** Keeps one fresh offer out for each free slot. */
export function createOfferKeeper(options: OfferKeeperOptions): OfferKeeper {
  const { chain, clock, sender, journal, leases, operator, terms, gateways, log } = options
  const domain = { chainId: chain.chainId, market: chain.contracts.market }
  let specs: readonly Spec[] = []
  let specHashes: readonly Hex[] = []
  /** Signed in this process, ready to be sent again. After a restart new ones are signed. */
  const signed = new Map<Hex, PublishedOffer>()
  /** Which gateway has which offer. */
  const published = new Map<string, Set<Hex>>(gateways.map((gateway) => [gateway.url, new Set()]))
  /** One nonce a slot, renewed with each cancellation: one transaction then voids all its offers. */
  const nonces = new Map<number, bigint>()
  let running: Promise<void> | null = null

  const offers = () => Object.values(journal.state.offers)
  const shown = (offer: OfferRecord) =>
    offer.ended === null && offer.buyer === undefined && offer.expiry > clock.now()

  async function nonceOf(slot: number): Promise<bigint> {
    const known = nonces.get(slot)
    if (known !== undefined) return known
    const series = await chain.seriesOf(operator.address)
    // 192 random bits: other nodes of the same operator draw their own.
    const nonce = (series << 192n) | bytesToBigInt(randomBytes(24))
    nonces.set(slot, nonce)
    return nonce
  }

  const withGateways = (offer: Offer, by: Pick<PublishedOffer, 'signature' | 'spec'>): PublishedOffer => ({
    ...domain,
    currency: terms.currency,
    operator: operator.address,
    offer,
    ...by,
    gateways: gateways.map((gateway) => gateway.url),
  })

  async function signFor(slot: number, agreed: HaggleTerms): Promise<PublishedOffer> {
    const spec = specs[slot]
    const specHash = specHashes[slot]
    if (spec === undefined || specHash === undefined)
      throw new SlotUnknownError({ slot, slots: specs.length })
    const offer = haggledOffer(agreed, { terms, spec: specHash, nonce: await nonceOf(slot) })
    return withGateways(offer, { signature: await signOffer(operator, offer, domain), spec })
  }

  async function sign(slot: number): Promise<void> {
    const spec = specs[slot]
    const specHash = specHashes[slot]
    if (spec === undefined || specHash === undefined) return
    let offer: Offer = {
      asset: terms.asset,
      buyer: zeroAddress,
      pricePerHour: terms.pricePerHour,
      bond: terms.bond,
      minDuration: terms.minDuration,
      maxDuration: terms.maxDuration,
      startWindow: terms.startWindow,
      expiry: Math.floor(clock.now()) + terms.ttl,
      spec: specHash,
      terms: zeroHash,
      nonce: await nonceOf(slot),
    }
    let id = hashOffer(offer, domain)
    // Two offers of one second would be one offer, and the first may be taken already.
    while (journal.state.offers[id] !== undefined) {
      offer = { ...offer, expiry: offer.expiry + 1 }
      id = hashOffer(offer, domain)
    }
    const signature = await signOffer(operator, offer, domain)
    // Noted before anyone can see it: a lease on it is then known for ours, whatever happens.
    await journal.note({
      type: 'offer.signed',
      id,
      slot,
      nonce: offer.nonce.toString(),
      expiry: offer.expiry,
      spec,
    })
    signed.set(id, withGateways(offer, { signature, spec }))
    log.info({ event: 'offer.signed', offer: id, slot, expiry: offer.expiry })
  }

  async function publish(): Promise<void> {
    const current = offers().filter(shown)
    await Promise.all(
      gateways.map(async (gateway) => {
        const has = published.get(gateway.url)
        const missing = current.flatMap((offer) => {
          const whole = signed.get(offer.id)
          return whole === undefined || has?.has(offer.id) ? [] : [{ id: offer.id, whole }]
        })
        if (missing.length === 0) return
        try {
          const { rejected } = await gateway.publishOffers(missing.map((item) => item.whole))
          for (const item of rejected) {
            log.warn({
              event: 'offer.rejected',
              gateway: gateway.url,
              offer: missing[item.index]?.id,
              ...item,
            })
          }
          const refused = new Set(rejected.map((item) => item.index))
          for (const [index, item] of missing.entries()) if (!refused.has(index)) has?.add(item.id)
        } catch (error) {
          log.warn({ event: 'offer.not-published', gateway: gateway.url, error: messageOf(error) })
        }
      }),
    )
  }

  async function withdraw(offer: OfferRecord): Promise<void> {
    if (offer.buyer !== undefined) {
      // No gateway was told of it.
      await journal.note({ type: 'offer.ended', id: offer.id, why: 'withdrawn' })
      return
    }
    const at = Math.floor(clock.now())
    const signature = await signWithdraw(operator, { offer: offer.id, at }, domain)
    await Promise.all(
      gateways.map(async (gateway) => {
        try {
          await gateway.withdrawOffer({ offer: offer.id, at, signature })
        } catch (error) {
          // It expires within minutes by itself.
          log.debug({ event: 'offer.not-withdrawn', gateway: gateway.url, error: messageOf(error) })
        }
        published.get(gateway.url)?.delete(offer.id)
      }),
    )
    await journal.note({ type: 'offer.ended', id: offer.id, why: 'withdrawn' })
  }

  async function retire(offer: OfferRecord): Promise<void> {
    const seen = await chain.lease(offer.id)
    if (seen !== null) {
      try {
        await leases.adopt(offer.id)
        return
      } catch (error) {
        if (!(error instanceof LeaseUnknownError)) throw error
      }
    }
    signed.delete(offer.id)
    for (const set of published.values()) set.delete(offer.id)
    await journal.note({ type: 'offer.ended', id: offer.id, why: 'expired' })
  }

  async function round(): Promise<void> {
    specs = await options.specs()
    specHashes = specs.map(hashSpec)
    const plan = planOffers({
      offers: offers(),
      slots: specs.length,
      slotTaken: leases.slotTaken,
      open: options.refusal() === null,
      now: clock.now(),
      ttl: terms.ttl,
      bonded: terms.bond > 0n,
      specOf: (slot) => specHashes[slot] ?? '',
      // An offer signed before a restart cannot be published again: its signature was not kept.
      hashSpecOf: (offer) => (signed.has(offer.id) ? hashSpec(offer.spec) : ''),
    })
    for (const offer of plan.withdraw) await withdraw(offer)
    for (const slot of plan.sign) await sign(slot)
    await publish()
    for (const offer of plan.retire) await retire(offer)
  }

  return {
    tick() {
      running ??= round()
        .catch((error: unknown) => log.warn({ event: 'offers.failed', error: messageOf(error) }))
        .finally(() => {
          running = null
        })
      return running
    },
    republish(gateway) {
      published.get(gateway.replace(/\/$/, ''))?.clear()
    },
    slotsOf: (spec) =>
      specHashes.flatMap((hash, slot) => (hash.toLowerCase() === spec.toLowerCase() ? [slot] : [])),
    signFor,
    get live() {
      return offers().filter(shown).length
    },
    async cancelAll() {
      const openable = offers().filter(
        (offer) => offer.ended !== 'opened' && offer.ended !== 'cancelled' && offer.expiry > clock.now(),
      )
      for (const nonce of new Set(openable.map((offer) => offer.nonce))) {
        if (!(await chain.isCancelled(operator.address, BigInt(nonce)))) {
          await sender.send(chain.calls.cancel(BigInt(nonce)))
        }
        for (const offer of openable.filter((item) => item.nonce === nonce)) {
          await journal.note({ type: 'offer.ended', id: offer.id, why: 'cancelled' })
        }
      }
      nonces.clear()
    },
  }
}

function messageOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split('\n')[0] ?? ''
}
