import {
  agreedTerms,
  type Currency,
  type Deployment,
  type Haggle,
  type HaggleMessage,
  type HaggleTerms,
  haggle,
  haggleMessageSchema,
  hashHaggleTerms,
  type ReadClient,
  type Signer,
  timeDependent,
} from '@millrace/sdk'
import { type Address, bytesToHex, getAddress, type Hash, isAddress, isAddressEqual } from 'viem'
import * as z from 'zod'
import { readDemand } from '../buyer/readDemand.ts'
import { readText } from '../buyer/readText.ts'
import { streamExtraSchema } from '../ledger/streamExtra.ts'
import type { PaymentRequired, PaymentRequirements } from '../wire/x402.ts'
import { DealBrokenError, HaggleUnansweredError } from './errors.ts'
import { callUnit, hagglePath } from './wire.ts'

/** A price that a seller agreed to. */
export interface CallDeal {
  /** Of the haggle; a request names it to be sold at its price. */
  readonly id: Hash
  readonly url: string
  readonly terms: HaggleTerms
  /** Stands in the voucher and in the receipt. */
  readonly hash: Hash
  /** Base units a call. */
  readonly price: bigint
  readonly listPrice: bigint
  /** Calls that are left of it, as far as this process knows. */
  readonly left: bigint
  /** What both sides signed, which proves it offline. */
  readonly messages: readonly HaggleMessage[]
}

export interface CallDealsOptions {
  readonly deployment: Pick<Deployment, 'chainId' | 'market' | 'channels'>
  readonly currency: Pick<Currency, 'address'>
  /** Of the chain. */
  readonly client: ReadClient
  /** The account that pays: a deal is of who pays for its calls. */
  readonly signer: Signer
  /** Default: the global one. */
  readonly fetch?: typeof globalThis.fetch
  /** Unix seconds. */
  readonly now?: () => number
}

/** What is wanted of a seller. */
export interface CallWish {
  /** Most to agree to for a call, in base units; no seller is told. Default: just below the list price. */
  readonly reservation?: bigint
  /** How many calls. Default 100. */
  readonly calls?: number
  /** For how long they can be made, in seconds. Default an hour. */
  readonly seconds?: number
}

/** The deals of a buyer. `createPayingFetch` pays by them, and nothing else than what was agreed on. */
export interface CallDeals {
  /**
   * Asks a URL what it costs, by `GET`, and haggles for calls of it. Nothing is paid: a deal that is never used costs nobody anything.
   *
   * @returns The deal; null where the seller does not haggle, there is nothing to pay, or no price suits both.
   * @throws HaggleUnansweredError, PaymentRequiredInvalidError, and what `haggle` throws at a faulty answer
   */
  haggle(url: string, wish?: CallWish): Promise<CallDeal | null>
  /** The same for what a seller has asked already, and with nothing sent but messages of the haggle. */
  haggleAt(url: string, asked: PaymentRequired, wish?: CallWish): Promise<CallDeal | null>
  /** Takes one call of the best deal for a URL; null where there is none. */
  take(url: string): CallDeal | null
  /** A call that was taken was not charged. */
  giveBack(deal: CallDeal): void
  /** Forgets a deal that its seller does not keep to any more. */
  drop(deal: CallDeal): void
  all(): readonly CallDeal[]
}

const rounds = 8
/** Seconds of a haggle. */
const haggleSeconds = 30
/** The longest answer that is read, in bytes. */
const mostBytes = 64 << 10
const systemClock = () => Math.floor(Date.now() / 1000)

const answerSchema = z.object({
  answer: haggleMessageSchema.nullable().optional(),
  error: z.object({ code: z.string(), message: z.string() }).optional(),
})

/**
 * Opens the deals of a buyer of calls, in memory: one that is forgotten is haggled for again.
 *
 * @example
 * const deals = createCallDeals({ deployment, currency, client, signer })
 * await deals.haggle('https://api.example/v1/ask', { reservation: 800n, calls: 50 })
 * const fetch = createPayingFetch({ deployment, currency, budget, channels, deals })
 */
export function createCallDeals(options: CallDealsOptions): CallDeals {
  const { deployment, currency, client, signer, now = systemClock } = options
  const { chainId, market } = deployment
  const send = options.fetch ?? globalThis.fetch
  const deals = new Map<Hash, CallDeal & { left: bigint }>()

  /** What a seller asks that haggles about it, and who signs for it. */
  function readOffer({ accepts }: PaymentRequired): { price: bigint; seller: Address } | null {
    for (const way of accepts) {
      if (way.scheme !== 'stream' || way.network !== `eip155:${chainId}`) continue
      const extra = streamExtraSchema.safeParse(way.extra).data
      if (extra?.haggles === undefined || extra.metered !== undefined) continue
      // Nobody haggles with itself.
      if (isAddressEqual(extra.haggles, signer.address)) continue
      if (!isAddressEqual(getAddress(extra.channels), deployment.channels)) continue
      if (!isAddress(way.asset) || !isAddressEqual(getAddress(way.asset), currency.address)) continue
      return { price: BigInt(way.amount), seller: extra.haggles }
    }
    return null
  }

  async function exchange(at: string, message: HaggleMessage): Promise<HaggleMessage | null> {
    const unanswered = (reason: string, cause?: unknown) =>
      new HaggleUnansweredError({ url: at, reason, cause })
    let text: string
    try {
      const body = JSON.stringify(message)
      const headers = { 'content-type': 'application/json' }
      const response = await send(new Request(at, { method: 'POST', headers, body, redirect: 'manual' }))
      text = await readText(response, mostBytes)
    } catch (cause) {
      throw unanswered(cause instanceof Error ? cause.message : String(cause), cause)
    }
    const read = answerSchema.safeParse(parseJson(text))
    if (!read.success) throw unanswered('what it says is no message')
    const { answer, error } = read.data
    if (error !== undefined) throw unanswered(`${error.code}: ${error.message.slice(0, 300)}`)
    return answer ?? null
  }

  function keep(ended: Haggle, of: Pick<CallDeal, 'url' | 'listPrice'>): CallDeal | null {
    const terms = agreedTerms(ended)
    if (terms === null) return null
    const deal = {
      ...of,
      ...{ id: ended.id, terms, hash: hashHaggleTerms(terms), price: BigInt(terms.price) },
      ...{ left: BigInt(terms.quantity), messages: ended.messages },
    }
    deals.set(deal.id, deal)
    return deal
  }

  const own: CallDeals = {
    async haggle(url, wish) {
      const response = await send(new Request(url, { redirect: 'manual' }))
      if (response.status === 402) return own.haggleAt(url, (await readDemand(url, response)).required, wish)
      await response.body?.cancel()
      return null
    },
    async haggleAt(url, asked, { reservation: most, calls = 100, seconds = 3_600 } = {}) {
      const offer = readOffer(asked)
      if (offer === null) return null
      const { price: listPrice, seller } = offer
      // An agreement at the list price is none.
      const reservation = most !== undefined && most < listPrice ? most : listPrice - 1n
      if (reservation < 1n) return null
      const at = new URL(hagglePath, url).href
      const ended = await haggle({
        ...{ chainId, market, client, signer, now, reservation, quantity: BigInt(calls) },
        call: {
          ...{ version: 1, salt: bytesToHex(crypto.getRandomValues(new Uint8Array(32))) },
          ...{ buyer: signer.address, seller, currency: currency.address },
          subject: { type: 'calls', url, unit: callUnit },
          quantity: { least: `${calls}`, most: `${calls}` },
          // The list price is public; what would be paid at most is not.
          ...{ maxPrice: listPrice.toString(), maxRounds: rounds },
          ...{ deadline: now() + haggleSeconds, validUntil: now() + Math.max(seconds, haggleSeconds) },
        },
        strategy: timeDependent({ first: reservation / 2n, reservation, shape: 1 }),
        exchange: (message) => exchange(at, message),
      })
      return keep(ended, { url, listPrice })
    },
    take(url) {
      let best: (CallDeal & { left: bigint }) | null = null
      for (const deal of deals.values()) {
        if (deal.terms.validUntil <= now()) deals.delete(deal.id)
        else if (deal.left > 0n && isSamePlace(deal.url, url) && (best === null || deal.price < best.price))
          best = deal
      }
      if (best !== null) best.left--
      return best
    },
    giveBack({ id }) {
      const deal = deals.get(id)
      if (deal !== undefined) deal.left++
    },
    drop({ id }) {
      deals.delete(id)
    },
    all: () => [...deals.values()],
  }
  return own
}

/**
 * Throws unless a demand is what was agreed on.
 *
 * @throws DealBrokenError
 */
export function requireAgreed(url: string, way: PaymentRequirements, deal: CallDeal): void {
  const broken = (field: string, agreed: string, asked: string) =>
    new DealBrokenError({ url, field, agreed, asked })
  if (way.scheme !== 'stream') throw broken('scheme', 'stream', way.scheme)
  if (BigInt(way.amount) > deal.price) throw broken('amount', deal.price.toString(), way.amount)
  const { terms } = streamExtraSchema.parse(way.extra)
  if (terms !== deal.hash) throw broken('terms', deal.hash, terms)
}

/** A deal is about a path; its query is the buyer's to choose. */
function isSamePlace(one: string, other: string): boolean {
  const [a, b] = [new URL(one), new URL(other)]
  return a.origin === b.origin && a.pathname === b.pathname
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
