import type { Currency, Deployment, ReadClient, Signer } from '@millrace/sdk'
import { type Address, getAddress } from 'viem'
import { type CallDeal, type CallDeals, type CallWish, requireAgreed } from '../haggling/createCallDeals.ts'
import { haggleHeader, haggleVoid } from '../haggling/wire.ts'
import { channelPaymentToJson } from '../ledger/payment.ts'
import { channelSnapshotSchema } from '../ledger/snapshot.ts'
import { streamExtraSchema } from '../ledger/streamExtra.ts'
import type { Metered, MeterUnits } from '../seller/metered.ts'
import { knownMeters } from '../seller/meterOf.ts'
import { streamHeader } from '../seller/openStreams.ts'
import { encodePaymentPayload, headerNames } from '../wire/headers.ts'
import { v1OfNetwork } from '../wire/networks.ts'
import type { PaymentRequired, PaymentRequirements, SettleResponse } from '../wire/x402.ts'
import { encodeV1Payload, v1HeaderNames } from '../wire/x402v1.ts'
import type { BatchPayment, BatchWallet } from './batchWallet.ts'
import type { ChannelWallet, ChargedInAll, PreparedPayment, SignedPromise } from './channelWallet.ts'
import { chooseWay } from './chooseWay.ts'
import { NoWayToPayError, PaymentLoopError, QuoteChangedError } from './errors.ts'
import type { Budget } from './openBudget.ts'
import { createOncePayments, type OncePayment, type OncePayments } from './payOnce.ts'
import { payStream } from './payStream.ts'
import { type Demand, readDemand, readSettled } from './readDemand.ts'
import { sendPaid } from './sendPaid.ts'

/** What a paid answer cost. */
export interface Payment {
  readonly url: string
  readonly scheme: string
  /** Base units. */
  readonly amount: bigint
  readonly payee: string
  readonly settled: SettleResponse | null
  /** The seller's signed receipt of an answer that was paid while it streamed, as in header `Millrace-Receipt`. */
  readonly receipt?: string
  /** At whose price it was paid. */
  readonly deal?: CallDeal
}

/** How a fetch pays. */
export interface PayingFetchOptions {
  readonly deployment: Deployment
  readonly currency: Currency
  readonly budget: Budget
  /** Pays on channels, scheme `stream`: preferred where it can be had. */
  readonly channels?: ChannelWallet
  /** Pays on channels of x402, scheme `batch-settlement`: preferred to paying once. */
  readonly batch?: BatchWallet
  /** Longest that a channel of `batch-settlement` may lock its deposit, in seconds. Default 86 400. */
  readonly maxWithdrawDelay?: number
  /** Pays once, schemes `exact` and `upto`: signs and sends no transaction. */
  readonly signer?: Signer
  /** Of the chain. Without it nothing is paid by `upto`: what is taken of a ceiling is read from the chain. */
  readonly client?: ReadClient
  /** Most that one answer may cost, in base units. Default: what the budget allows. */
  readonly maxPrice?: bigint
  /** Milliseconds without a byte after which an answer that streams is not paid any further; 30 000 by default. */
  readonly idleMs?: number
  /**
   * Count the units of answers that are paid by one, under its name. `token` is known. Of others without a meter no more than the first
   * stretch is paid.
   */
  readonly meters?: ReadonlyMap<string, MeterUnits>
  /** Prices that were agreed on: paid where they hold, and nothing else is. After them the list price is paid. */
  readonly deals?: CallDeals
  /** Haggles, with `deals`, at what a seller asks for the first time; without it nothing is haggled for here. */
  readonly wish?: CallWish
  /** Default: the global one. */
  readonly fetch?: typeof globalThis.fetch
  readonly onPayment?: (payment: Payment) => void
  /**
   * For how long a payment is sent again, in milliseconds, while the server says that its outcome is not known yet. Default 30 000.
   */
  readonly patienceMs?: number
  /** Unix seconds. Default: the system's clock. */
  readonly now?: () => number
}

/** What a server asked for a service the last time, and was paid. */
interface Quote {
  readonly version: Demand['version']
  readonly requirements: PaymentRequirements
  readonly resource: PaymentRequired['resource']
  readonly extensions: PaymentRequired['extensions']
}

/** Most payments that are offered for one request: the first, and one after what was forgotten is learned. */
const mostAttempts = 2

const systemClock = () => Math.floor(Date.now() / 1000)

/**
 * Makes a `fetch` that pays where it is asked to, and never beyond its budget. A server that was paid before is paid with the
 * request, without asking first. Servers of x402 v2 and v1 are paid alike. What a server cannot do: ask for more than it quoted, or for another payee, between quote and
 * payment; send a paid request elsewhere; ask again for what was paid.
 *
 * @param options Deployment, currency, budget, and the ways to pay.
 * @returns A function that is called like `fetch`.
 * @throws (when called) NoWayToPayError | PaymentRequiredInvalidError | QuoteChangedError | PaymentLoopError |
 * PaymentNotSettledError | BudgetExceededError | SnapshotForgedError | DealBrokenError, and what `fetch` throws
 * @example
 * const fetch = createPayingFetch({ deployment, currency, budget, channels })
 * const answer = await fetch('https://api.example/v1/data')
 */
export function createPayingFetch(options: PayingFetchOptions): typeof globalThis.fetch {
  const {
    deployment,
    currency,
    budget,
    channels,
    batch,
    signer,
    client,
    now = systemClock,
    patienceMs = 30_000,
    maxWithdrawDelay = 86_400,
  } = options
  const send = options.fetch ?? globalThis.fetch
  const network = `eip155:${deployment.chainId}`
  const quotes = new Map<string, Quote>()
  const haggling = new Map<string, Promise<unknown>>()

  const choose = (url: string, required: PaymentRequired) =>
    chooseWay(required.accepts, {
      ...{ url, network, deployment, currency, maxWithdrawDelay, maxPrice: options.maxPrice ?? null },
      ...{ channels: channels !== undefined, batch: batch !== undefined },
      ...{ signer: signer !== undefined, client: client !== undefined },
    })

  const payeeOf = (way: PaymentRequirements): string => {
    const extra = way.scheme === 'stream' ? streamExtraSchema.parse(way.extra) : null
    return extra?.assetId === undefined ? way.payTo.toLowerCase() : `asset:${extra.assetId}`
  }

  const meteredOf = (way: PaymentRequirements): Metered | undefined =>
    way.scheme === 'stream' ? streamExtraSchema.parse(way.extra).metered : undefined

  /** A second demand for the same request must be the first one. */
  function requireUnchanged(url: string, quoted: PaymentRequirements, asked: PaymentRequirements): void {
    const changed = (field: string, was: string, is: string) =>
      new QuoteChangedError({ url, field, quoted: was, asked: is })
    if (BigInt(asked.amount) > BigInt(quoted.amount)) throw changed('amount', quoted.amount, asked.amount)
    if (payeeOf(asked) !== payeeOf(quoted)) throw changed('payee', payeeOf(quoted), payeeOf(asked))
    for (const field of ['metered', 'receiverAuthorizer', 'withdrawDelay']) {
      const [was, is] = [quoted, asked].map((each) => JSON.stringify(each.extra?.[field] ?? null))
      if (was !== undefined && is !== undefined && was !== is) throw changed(field, was, is)
    }
  }

  async function pay(
    { requirements: way, extensions }: Quote,
    service: string,
    once: OncePayments | null,
  ): Promise<Paid> {
    const amount = BigInt(way.amount)
    if (way.scheme === 'stream' && channels !== undefined) {
      const extra = streamExtraSchema.parse(way.extra)
      const { assetId, closeDelay, deposit, terms, funds, ticks } = extra
      const payee = assetId === undefined ? { account: getAddress(way.payTo) as Address } : { asset: assetId }
      const prepared = await channels.prepare({ amount, service, payee, closeDelay, deposit, terms, funds })
      return { sent: { payload: payloadOf(prepared, ticks) }, prepared, batched: null }
    }
    if (way.scheme === 'batch-settlement' && batch !== undefined) {
      const batched = await batch.prepare(way, service)
      return { sent: { payload: batched.payload }, prepared: null, batched }
    }
    // `objection` lets other ways through only where there is a signer.
    const sent = (await once?.sign(way, { payee: payeeOf(way), service, extensions })) ?? { payload: {} }
    return { sent, prepared: null, batched: null }
  }

  return async (input, init) => {
    const once = signer === undefined ? null : createOncePayments({ signer, budget, client, now })
    try {
      return await fetchPaid(new Request(input, init), once)
    } finally {
      await once?.end()
    }
  }

  /** Haggles, if that is wished for; calls that are made at once share what comes of it. */
  async function haggleOnce(url: string, service: string, asked: PaymentRequired): Promise<void> {
    const { deals, wish } = options
    if (deals === undefined || wish === undefined) return
    const running =
      haggling.get(service) ?? deals.haggleAt(url, asked, wish).finally(() => haggling.delete(service))
    haggling.set(service, running)
    await running
  }

  /** Gives a call back to its deal, or forgets a deal that its seller calls void. */
  function uncharged(deal: CallDeal | null, response: Response): void {
    if (deal === null) return
    if (response.headers.get(haggleHeader) === haggleVoid) options.deals?.drop(deal)
    else options.deals?.giveBack(deal)
  }

  async function fetchPaid(given: Request, once: OncePayments | null): Promise<Response> {
    const { url } = given
    const { origin, pathname } = new URL(url)
    const service = `${given.method} ${origin}${pathname}`
    // What was quoted at the list price says nothing of a deal's.
    const nameOf = (deal: CallDeal | null) => (deal === null ? service : `${service} ${deal.id}`)
    const ask = async (deal: CallDeal | null) => {
      const response = await send(naming(given, deal).clone())
      return response.status === 402 ? readDemand(url, response) : response
    }
    let deal = options.deals?.take(url) ?? null
    let quote = quotes.get(nameOf(deal))
    if (quote === undefined) {
      let answer = await ask(deal)
      if (deal === null && !(answer instanceof Response)) {
        await haggleOnce(url, service, answer.required)
        deal = options.deals?.take(url) ?? null
        if (deal !== null) answer = await ask(deal)
      }
      if (answer instanceof Response) {
        uncharged(deal, answer)
        return answer
      }
      quote = quoteOf(url, answer)
    }
    const agreed = deal
    const request = naming(given, agreed)
    const quoted = nameOf(agreed)
    const requireDeal = ({ requirements }: Quote) => {
      if (agreed === null) return
      try {
        requireAgreed(url, requirements, agreed)
      } catch (error) {
        options.deals?.drop(agreed)
        throw error
      }
    }
    requireDeal(quote)
    for (let attempt = 1; ; attempt++) {
      const { requirements } = quote
      const { sent, prepared, batched } = await pay(quote, service, once)
      let response: Response
      try {
        const headers = new Headers(request.headers)
        headers.set(...headerOf(quote, sent))
        // A redirect would carry the payment to whoever it names.
        response = await sendPaid(() => send(new Request(request.clone(), { headers, redirect: 'manual' })), {
          patienceMs,
          signal: request.signal,
        })
      } catch (error) {
        await (prepared ?? batched)?.unknown()
        throw error
      }
      const metered = response.ok && prepared !== null ? meteredOf(requirements) : undefined
      const stream = response.headers.get(streamHeader)
      if (metered !== undefined && stream !== null && prepared !== null) {
        quotes.set(quoted, quote)
        await prepared.arrived()
        return payOnwards(response, { stream, metered, quote, service, request, prepared })
      }
      if (response.status !== 402) {
        const settled = readSettled(response)
        once?.settled(settled)
        // An answer that failed without a word of payment was not charged on a channel; what was paid once may be.
        const isFree = (prepared !== null || batched !== null) && settled === null && response.status >= 400
        const said = isFree ? 0n : BigInt(settled?.amount ?? requirements.amount)
        await prepared?.done(said, chargedInAll(settled))
        const charged = batched === null ? said : await batched.done(settled, isFree)
        quotes.set(quoted, quote)
        if (charged === 0n) uncharged(agreed, response)
        const payee = payeeOf(requirements)
        const { scheme } = requirements
        const at = agreed === null ? {} : { deal: agreed }
        options.onPayment?.({ url, scheme, amount: charged, payee, settled, ...at })
        return response
      }
      let asked: Quote
      let reason: string
      try {
        const demand = await readDemand(url, response)
        asked = quoteOf(url, demand)
        reason = demand.required.error ?? 'no reason given'
      } catch (error) {
        await (prepared ?? batched)?.refused(null)
        throw error
      }
      const { scheme, extra } = asked.requirements
      const snapshot = scheme === 'stream' ? streamExtraSchema.parse(extra).channel : undefined
      await prepared?.refused(snapshot ?? null)
      await batched?.refused(scheme === 'batch-settlement' ? asked.requirements : null)
      const isKnown = quotes.has(quoted)
      quotes.delete(quoted)
      requireDeal(asked)
      // A price that rose since another request is a new quote; one that rises for this request is not paid.
      if (!(isKnown && attempt === 1)) requireUnchanged(url, requirements, asked.requirements)
      if (attempt >= mostAttempts) throw new PaymentLoopError({ url, attempts: attempt, reason })
      quote = asked
    }
  }

  /** Pays an answer while it streams. */
  function payOnwards(
    response: Response,
    paid: {
      readonly stream: string
      readonly metered: Metered
      readonly quote: Quote
      readonly service: string
      readonly request: Request
      readonly prepared: PreparedPayment
    },
  ): Response {
    const { stream, metered, quote, service, request, prepared } = paid
    const { requirements } = quote
    const { method, url } = request
    const payee = payeeOf(requirements)
    const meter = options.meters?.get(metered.per) ?? knownMeters.get(metered.per)
    return payStream(response, {
      count: meter?.(response.headers) ?? null,
      ...{ metered, stretch: BigInt(requirements.amount), first: prepared },
      most: options.maxPrice ?? null,
      idleMs: options.idleMs ?? 30_000,
      async prepare() {
        const { prepared: more } = await pay(quote, service, null)
        if (more === null) throw new NoWayToPayError({ url, reasons: ['no channels are kept here'] })
        return more
      },
      async send(payment) {
        const headers = new Headers({ [streamHeader]: stream })
        const { ticks } = streamExtraSchema.parse(requirements.extra)
        if (payment !== null) headers.set(...headerOf(quote, { payload: payloadOf(payment, ticks) }))
        const answer = await send(new Request(url, { method, headers, redirect: 'manual' }))
        if (answer.ok) await payment?.arrived()
        return answer
      },
      onEnd: (amount, settled, receipt) =>
        options.onPayment?.({
          ...{ url, scheme: requirements.scheme, amount, payee, settled },
          ...(receipt === null ? {} : { receipt }),
        }),
    })
  }

  function quoteOf(url: string, { version, required }: Demand): Quote {
    const { resource, extensions } = required
    return { version, requirements: choose(url, required), resource, extensions }
  }
}

/** The request, for the price of a deal. */
function naming(request: Request, deal: CallDeal | null): Request {
  if (deal === null) return request
  const headers = new Headers(request.headers)
  headers.set(haggleHeader, deal.id)
  return new Request(request.clone(), { headers })
}

const chargedSchema = channelSnapshotSchema.pick({ channel: true, epoch: true, spent: true })

/** What a seller says that it charged on a channel in all. */
const chargedInAll = (settled: SettleResponse | null): ChargedInAll | null =>
  chargedSchema.safeParse(settled?.extra?.channel).data ?? null

/** What is sent on a channel: a word alone, where the seller knows the voucher that it is of. */
const payloadOf = ({ payment, tick }: SignedPromise, ticks: boolean): Readonly<Record<string, unknown>> =>
  ticks && tick !== null ? { ...tick } : channelPaymentToJson(payment)

interface Paid {
  readonly sent: OncePayment
  readonly prepared: PreparedPayment | null
  readonly batched: BatchPayment | null
}

/** The header by which a payment is made, and its content. */
function headerOf(quote: Quote, { payload, extensions }: OncePayment): [string, string] {
  const { version, requirements, resource } = quote
  const further = extensions === undefined ? {} : { extensions }
  const { scheme, network } = requirements
  if (version === 2)
    return [
      headerNames.payment,
      encodePaymentPayload({ x402Version: 2, resource, accepted: requirements, payload, ...further }),
    ]
  const name = v1OfNetwork(network) ?? network
  return [v1HeaderNames.payment, encodeV1Payload({ x402Version: 1, scheme, network: name, payload })]
}
