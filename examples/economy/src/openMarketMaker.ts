import {
  getLease,
  hashSchema,
  MillraceError,
  offerSchema,
  parse,
  signatureSchema,
  startLease,
  uintSchema,
} from '@millrace/sdk'
import { type Address, isAddress, isAddressEqual } from 'viem'
import * as z from 'zod'
import { type Agent, registerOwn } from './createAgent.ts'
import { DealFailedError } from './errors.ts'
import { endLease, hire, promiseSeconds } from './lease.ts'
import { serve } from './serve.ts'

/** Two-sided prices of machine time, in base units per hour, and the seconds that are there to be sold. */
export interface Quotes {
  readonly bid: bigint
  readonly ask: bigint
  readonly held: number
}

/** One who buys machine time ahead and sells it in smaller pieces. */
export interface MarketMaker {
  readonly agent: Agent
  readonly asset: bigint
  readonly url: string
  readonly deals: () => { readonly bought: number; readonly sold: number }
  close(): Promise<void>
}

/** Seconds that it likes to hold. */
const target = 30
const lowBid = 270_000n
const highAsk = 480_000n
const swing = 90_000n

/**
 * Prices by what is held: the less there is, the more is paid and asked for a second. At the target it bids least and asks least,
 * so that its stock, which spoils by the second, is sold before more is bought.
 *
 * @param held Seconds that are bought and not sold.
 */
export function quote(held: number): Quotes {
  const kept = BigInt(Math.max(0, Math.min(held, target)))
  const full = BigInt(target)
  return {
    bid: lowBid + (swing * (full - kept)) / full,
    ask: highAsk - (swing * kept) / full,
    held,
  }
}

const sellSchema = z.object({ offer: offerSchema, signature: signatureSchema })
const buySchema = z.object({
  buyer: z.custom<Address>((value) => typeof value === 'string' && isAddress(value)),
  seconds: z.int().min(1).max(target),
})
const startSchema = z.object({ lease: hashSchema })

/**
 * Opens a desk: `/quotes` tells the prices, `/sell` takes a machine's promise at the bid, `/buy` gives one at the ask, `/start`
 * starts what was hired.
 *
 * @param agent Whose it is.
 */
export async function openMarketMaker(agent: Agent): Promise<MarketMaker> {
  const { deployment, client } = agent.network
  const asset = await registerOwn(agent, 'machine')
  const bought = new Map<`0x${string}`, number>()
  const ours = new Set<`0x${string}`>()
  /** Ends of the seconds that were sold, or are promised to somebody who is about to hire them. */
  const sold = new Map<bigint, number>()
  let soldCount = 0

  const now = () => Math.floor(Date.now() / 1000)
  const left = (ends: Iterable<number>) => [...ends].reduce((sum, end) => sum + Math.max(0, end - now()), 0)
  const held = () => left(bought.values()) - left(sold.values())

  async function takeSell(body: unknown): Promise<Response> {
    const { offer, signature } = parse(sellSchema, body, 'promise')
    const { bid } = quote(held())
    if (offer.pricePerHour > bid || offer.maxDuration > target)
      throw new DealFailedError({
        what: 'A sale',
        why: `${offer.pricePerHour} is more than the bid of ${bid}`,
      })
    const lease = await hire(agent, { offer, signature })
    ours.add(lease)
    bought.set(lease, now() + offer.maxDuration)
    return Response.json({ lease })
  }

  async function giveBuy(body: unknown): Promise<Response> {
    const { buyer, seconds } = parse(buySchema, body, 'order')
    const stock = held()
    if (stock < seconds) throw new DealFailedError({ what: 'An order', why: `${stock} seconds are there` })
    const pricePerHour = quote(stock).ask
    const promise = await promiseSeconds(agent, { asset, buyer, pricePerHour, seconds })
    sold.set(promise.offer.nonce, now() + seconds)
    return json(promise)
  }

  async function start(body: unknown): Promise<Response> {
    const { lease } = parse(startSchema, body, 'start')
    const state = await getLease(client, { deployment, lease })
    if (state?.asset !== asset || !isAddressEqual(state.operator, agent.account.address))
      throw new DealFailedError({ what: 'A start', why: `lease '${lease}' is not of this desk` })
    await agent.act((wallet) => startLease(wallet, { deployment, lease }))
    soldCount++
    return Response.json({ lease })
  }

  const served = await serve(async (request) => {
    const { pathname } = new URL(request.url)
    try {
      if (pathname === '/quotes') return json(quote(held()))
      const body: unknown = await request.json()
      if (pathname === '/sell') return await takeSell(body)
      if (pathname === '/buy') return await giveBuy(body)
      if (pathname === '/start') return await start(body)
      return new Response('There is no such path.', { status: 404 })
    } catch (error) {
      if (!(error instanceof MillraceError)) throw error
      return json({ code: error.code, message: error.message }, 409)
    }
  })

  return {
    ...{ agent, asset, url: served.url, deals: () => ({ bought: ours.size, sold: soldCount }) },
    async close() {
      await served.close()
      for (const lease of ours) await endLease(agent, lease)
    },
  }
}

const json = (value: object, status = 200) =>
  new Response(
    JSON.stringify(value, (_, each) => (typeof each === 'bigint' ? each.toString() : each)),
    { status, headers: { 'content-type': 'application/json' } },
  )

const quotesSchema = z.object({ bid: uintSchema(128), ask: uintSchema(128), held: z.number() })

/** Asks a desk for its prices. */
export async function readQuotes(desk: string): Promise<Quotes> {
  return parse(quotesSchema, await (await fetch(`${desk}/quotes`)).json(), 'quotes')
}

/** Sends a desk an order; `null` if it does not take it. */
export async function order(desk: string, path: string, body: object): Promise<unknown> {
  const text = JSON.stringify(body, (_, each) => (typeof each === 'bigint' ? each.toString() : each))
  const answer = await fetch(`${desk}/${path}`, { method: 'POST', body: text })
  return answer.ok ? answer.json() : null
}
