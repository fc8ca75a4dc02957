import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { serve } from '@hono/node-server'
import { getChannel } from '@millrace/sdk'
import express from 'express'
import { Hono } from 'hono'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { expressPaywall } from '../src/adapters/express.ts'
import { honoPaywall } from '../src/adapters/hono.ts'
import { nodeListener } from '../src/adapters/node.ts'
import { createPayingFetch, type Payment } from '../src/buyer/createPayingFetch.ts'
import { type BudgetLimits, openBudget } from '../src/buyer/openBudget.ts'
import { openChannelWallet } from '../src/buyer/openChannelWallet.ts'
import { memoryJournal } from '../src/facilitator/journal.ts'
import { openFacilitator } from '../src/facilitator/openFacilitator.ts'
import { fundChannel } from '../src/ledger/fundChannel.ts'
import type { Ledger } from '../src/ledger/ledger.ts'
import { openLedger } from '../src/ledger/openLedger.ts'
import { streamScheme } from '../src/ledger/streamScheme.ts'
import { decodeCallReceipt, verifyCallReceipt } from '../src/seller/callReceipt.ts'
import { createPaywall } from '../src/seller/createPaywall.ts'
import { digestRequest } from '../src/seller/digestRequest.ts'
import { exactScheme } from '../src/seller/exactScheme.ts'
import type { MeterUnits } from '../src/seller/metered.ts'
import type { PaidRoute, Paywall } from '../src/seller/paywall.ts'
import type { SellerScheme } from '../src/seller/scheme.ts'
import { accountAt, type LocalChain, startLocalChain } from './localChain.ts'

/** 100 bytes for one base unit, 10 kB at a time. */
const bytesRoute: PaidRoute = { price: { amount: 100n, metered: { per: 'byte', price: 1n, units: 100 } } }
/** 1000 base units a second, 200 ms at a time. */
const secondsRoute: PaidRoute = { price: { amount: 200n, metered: { per: 'second', price: 1_000n } } }

let chain: LocalChain
let folder: string
let ledger: Ledger
let paywall: Paywall
let count = 0
/** Generators that were told to end before they did. */
let left = 0
const seller = privateKeyToAccount(generatePrivateKey())

beforeAll(async () => {
  chain = await startLocalChain()
})
afterAll(() => chain?.stop())
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'metered-'))
  const account = privateKeyToAccount(generatePrivateKey()).address
  ledger = await openLedger({
    ...chain.deployment,
    path: join(folder, 'ledger.jsonl'),
    payee: { account },
    currency: chain.currency.address,
    readChannel,
    fund: (channel, authorization) =>
      fundChannel(chain.walletOf(0), { deployment: chain.deployment, channel, authorization }),
  })
  paywall = paywallOf(streamScheme({ ledger, deployment: chain.deployment, currency: chain.currency }))
  left = 0
})
afterEach(async () => {
  await ledger.close()
  rmSync(folder, { recursive: true, force: true, maxRetries: 40, retryDelay: 50 })
})

const paywallOf = (scheme: SellerScheme, graceMs = 2_000) =>
  createPaywall({ schemes: [scheme], receipts: seller, graceMs })
const readChannel = (channel: `0x${string}`) =>
  getChannel(chain.client, { deployment: chain.deployment, channel })

/** A stream of `pieces` of `size` bytes each, one in `ms` milliseconds. */
function streamOf(pieces: number, size: number, ms = 0): ReadableStream<Uint8Array> {
  let at = 0
  return new ReadableStream(
    {
      async pull(controller) {
        if (at === pieces) return controller.close()
        if (ms > 0) await new Promise((done) => setTimeout(done, ms))
        controller.enqueue(new Uint8Array(size).fill(at++ % 256))
      },
      cancel() {
        left++
      },
    },
    { highWaterMark: 0 },
  )
}

async function listening(server: Server) {
  if (!server.listening) await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/data`,
    stop: () =>
      new Promise<void>((done) => {
        server.closeAllConnections()
        server.close(() => done())
      }),
  }
}

const sell = (route: PaidRoute, body: () => ReadableStream<Uint8Array>, wall = paywall) =>
  listening(
    createServer(nodeListener((request) => wall.charge(request, route, () => new Response(body())))).listen(
      0,
      '127.0.0.1',
    ),
  )

const streamFrom = (pieces: readonly string[]): ReadableStream<Uint8Array> => {
  let at = 0
  return new ReadableStream({
    pull(controller) {
      const piece = pieces[at++]
      if (piece === undefined) controller.close()
      else controller.enqueue(Buffer.from(piece))
    },
  })
}

/** Three base units a token, twenty at a time. */
const tokensRoute: PaidRoute = { price: { amount: 60n, metered: { per: 'token', price: 3n } } }
/** `count` events of one token each, and what the answer states in the end. */
function tokensOf(count: number, stated: number | null): ReadableStream<Uint8Array> {
  const event = (value: object) => `data: ${JSON.stringify(value)}\n\n`
  const deltas = Array.from({ length: count }, () => event({ choices: [{ delta: { content: 'word' } }] }))
  const usage = stated === null ? [] : [event({ choices: [], usage: { completion_tokens: stated } })]
  return streamFrom([...deltas, ...usage, 'data: [DONE]\n\n'])
}

const sellTokens = (of: {
  readonly answers: () => ReadableStream<Uint8Array> | null
  readonly type?: string
  readonly route?: PaidRoute
}) => {
  const { answers, type = 'text/event-stream', route = tokensRoute } = of
  const answer = () => new Response(answers(), { headers: { 'content-type': type } })
  return listening(
    createServer(nodeListener((request) => paywall.charge(request, route, answer))).listen(0, '127.0.0.1'),
  )
}

async function buyer(
  limits: BudgetLimits = {},
  further: { idleMs?: number; maxPrice?: bigint; meters?: ReadonlyMap<string, MeterUnits> } = {},
) {
  const { deployment, currency } = chain
  const budget = await openBudget({ path: join(folder, `budget-${count++}.jsonl`), limits })
  const channels = await openChannelWallet({
    ...{ path: join(folder, `wallet-${count++}.jsonl`), deployment, currency, budget, readChannel },
    maxDeposit: 1_000_000n,
    payer: accountAt(3),
    signer: privateKeyToAccount(generatePrivateKey()),
  })
  const payments: Payment[] = []
  const fetch = createPayingFetch({
    ...{ deployment, currency, budget, channels, ...further },
    onPayment: (payment) => payments.push(payment),
  })
  const close = async () => {
    await channels.close()
    await budget.close()
  }
  return { fetch, budget, channels, payments, close }
}

/** What the seller's books say was charged, and what was promised. */
const booked = () => {
  const [book] = ledger.books()
  return { spent: book?.spent ?? 0n, worth: book?.worth ?? 0n }
}

describe('default: an answer is paid by the byte while it streams', () => {
  const shops: Record<string, () => Promise<Awaited<ReturnType<typeof listening>>>> = {
    'node:http': () => sell(bytesRoute, () => streamOf(14, 7_000)),
    async hono() {
      const app = new Hono()
      app.use('/data', honoPaywall(paywall, bytesRoute))
      app.get('/data', () => new Response(streamOf(14, 7_000)))
      return listening(serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }) as Server)
    },
    async express() {
      const app = express()
      app.use('/data', expressPaywall(paywall, bytesRoute))
      app.get('/data', async (_, response) => {
        for await (const piece of streamOf(14, 7_000)) response.write(piece)
        response.end()
      })
      return listening(app.listen(0, '127.0.0.1'))
    },
  }
  test.each(Object.entries(shops))('%s', async (_, start) => {
    const server = await start()
    const { fetch, budget, payments, close } = await buyer({ perPayment: 100n, lifetime: 3_000n })
    for (let call = 1n; call <= 2n; call++) {
      const response = await fetch(server.url)
      expect(response.status).toBe(200)
      const bytes = new Uint8Array(await response.arrayBuffer())
      expect(bytes.length).toBe(98_000)
      expect([...new Set(bytes)]).toEqual(Array.from({ length: 14 }, (_, index) => index))
      expect(booked().spent).toBe(980n * call)
    }
    // Promised was at most a stretch and a half more than was used; the rest is used by the next call.
    expect(booked().worth).toBeLessThanOrEqual(980n * 2n + 150n)
    expect(budget.state()).toMatchObject({ spent: booked().worth, reserved: 0n })
    expect(payments.map(({ amount }) => amount)).toEqual([980n, 980n])
    const [payment] = payments
    expect(payment?.settled).toMatchObject({ success: true, amount: '980' })
    const signed = decodeCallReceipt(payment?.receipt ?? '')
    const request = digestRequest({ method: 'GET', url: server.url, body: new Uint8Array() })
    await verifyCallReceipt(signed, { seller: seller.address, request, most: 980n })
    expect(signed.receipt.amount).toBe(980n)
    expect(signed.receipt.reference).toBe(`${ledger.books()[0]?.id}:0`)
    await close()
    await server.stop()
  })
})

describe('behavior', () => {
  test('by the second: what went by is paid, whatever the bytes', async () => {
    const server = await sell(secondsRoute, () => streamOf(25, 3, 40))
    const { fetch, budget, payments, close } = await buyer({ perPayment: 200n })
    expect((await (await fetch(server.url)).arrayBuffer()).byteLength).toBe(75)
    const { spent, worth } = booked()
    // It took a second at least, on however slow a machine.
    expect(spent).toBeGreaterThanOrEqual(900n)
    expect(payments[0]?.amount).toBe(spent)
    expect(budget.state()).toMatchObject({ spent: worth, reserved: 0n })
    await close()
    await server.stop()
  })

  test('the answer stops when the money stops: the buyer gets what it paid for, and why', async () => {
    const server = await sell(bytesRoute, () => streamOf(1_000, 7_000))
    const { fetch, budget, close } = await buyer({ lifetime: 500n })
    const response = await fetch(server.url)
    await expect(response.arrayBuffer()).rejects.toMatchObject({ code: 'BUDGET_EXCEEDED' })
    expect(budget.state()).toMatchObject({ spent: 500n, reserved: 0n })
    expect(booked().spent).toBeLessThanOrEqual(500n)
    await expect.poll(() => left).toBe(1)
    await close()
    await server.stop()
  })

  test('a price limit ends an answer as the seller sees no more money', async () => {
    const wall = paywallOf(
      streamScheme({ ledger, deployment: chain.deployment, currency: chain.currency }),
      // Long enough for a payment on a machine that is busy.
      2_000,
    )
    const server = await sell(bytesRoute, () => streamOf(1_000, 7_000), wall)
    const { fetch, close, payments } = await buyer({}, { maxPrice: 300n })
    await expect((await fetch(server.url)).arrayBuffer()).rejects.toThrow()
    expect(booked()).toEqual({ spent: 300n, worth: 300n })
    expect(payments[0]?.amount).toBe(300n)
    await expect.poll(() => left).toBe(1)
    await close()
    await server.stop()
  })

  test('a buyer who pays once only gets what that pays for', async () => {
    const wall = paywallOf(
      streamScheme({ ledger, deployment: chain.deployment, currency: chain.currency }),
      // Long enough for a payment on a machine that is busy.
      2_000,
    )
    const server = await sell(bytesRoute, () => streamOf(1_000, 7_000), wall)
    const { deployment, currency } = chain
    const { channels, budget, close } = await buyer()
    let asked = 0
    // Everything after the first payment is lost on the way.
    const lossy: typeof globalThis.fetch = (input, init) => {
      const request = new Request(input, init)
      if (!request.headers.has('millrace-stream')) return globalThis.fetch(request)
      asked++
      return Promise.reject(new TypeError('lost'))
    }
    const fetch = createPayingFetch({ deployment, currency, budget, channels, fetch: lossy })
    const response = await fetch(server.url)
    let bytes = 0
    const reader = response.body?.getReader()
    await expect(async () => {
      for (;;) {
        const piece = await reader?.read()
        if (piece === undefined || piece.done) return
        bytes += piece.value.length
      }
    }).rejects.toThrow()
    expect(bytes).toBe(10_000)
    expect(booked()).toEqual({ spent: 100n, worth: 100n })
    expect(asked).toBeGreaterThan(0)
    await close()
    await server.stop()
  })

  test('by the token: events are paid as they come, and what the answer states of itself counts', async () => {
    const server = await sellTokens({ answers: () => tokensOf(200, 190) })
    const { fetch, budget, payments, close } = await buyer({ perPayment: 60n, lifetime: 2_000n })
    const text = await (await fetch(server.url)).text()
    expect(text.split('data: ')).toHaveLength(203)
    expect(payments.map(({ amount }) => amount)).toEqual([570n])
    const { spent, worth } = booked()
    expect(spent).toBe(570n)
    // Two stretches ahead at most, of what was counted before the answer stated less.
    expect(worth).toBeLessThanOrEqual(600n + 120n)
    expect(budget.state()).toMatchObject({ spent: worth, reserved: 0n })
    await close()
    await server.stop()
  })

  test('by the token: the answer stops when the money stops', async () => {
    const server = await sellTokens({ answers: () => tokensOf(1_000, null) })
    const { fetch, close } = await buyer({}, { maxPrice: 300n })
    const pieces: string[] = []
    const response = await fetch(server.url)
    await expect(async () => {
      for await (const piece of response.body ?? []) pieces.push(Buffer.from(piece).toString())
    }).rejects.toThrow()
    const { spent, worth } = booked()
    expect(worth).toBe(300n)
    // Three base units a token, and every event is one; the last may be cut in two.
    expect(spent).toBe(BigInt(pieces.join('').split('\n\n').length - 1) * 3n)
    expect(spent).toBeGreaterThan(270n)
    await close()
    await server.stop()
  })

  test('by the token: an answer that is whole is charged what it used of what was promised, and given again', async () => {
    const answer = (tokens: number) =>
      JSON.stringify({
        choices: [{ message: { content: 'x'.repeat(400) } }],
        usage: { completion_tokens: tokens },
      })
    let calls = 0
    const server = await sellTokens({
      type: 'application/json',
      answers: () => new Response(answer([11, 12, 90][calls++] ?? 0)).body,
    })
    const { fetch, payments, close } = await buyer()
    const ask = (key: string) => fetch(server.url, { headers: { 'idempotency-key': key } })
    const first = await ask('a')
    expect(decodeCallReceipt(first.headers.get('millrace-receipt') ?? '').receipt.amount).toBe(33n)
    expect(await (await ask('a')).text()).toBe(await first.text())
    await (await ask('b')).text()
    // Ninety tokens are more than a stretch: so much was promised, and no more is charged.
    await (await ask('c')).text()
    expect([calls, booked().spent]).toEqual([3, 33n + 36n + 60n])
    expect(payments.at(-1)?.amount).toBe(60n)
    await close()
    await server.stop()
  })

  test('by a unit of its own: who has its meter pays for it, who has not pays one stretch', async () => {
    const meter: MeterUnits = () => {
      let pages = 0
      return (piece) => {
        pages += piece.filter((byte) => byte === 12).length
        return pages
      }
    }
    const route: PaidRoute = { price: { amount: 20n, metered: { per: 'page', price: 2n, meter } } }
    const server = await sellTokens({ route, answers: () => streamFrom(Array(50).fill('a page\f')) })
    const knowing = await buyer({}, { meters: new Map([['page', meter]]) })
    expect(await (await knowing.fetch(server.url)).text()).toHaveLength(350)
    expect(booked().spent).toBe(100n)
    await knowing.close()
    const ignorant = await buyer()
    await expect((await ignorant.fetch(server.url)).text()).rejects.toThrow()
    expect(ignorant.payments.map(({ amount }) => amount)).toEqual([20n])
    await ignorant.close()
    await server.stop()
  })

  test('a reader who leaves is charged what it got', async () => {
    const server = await sell(bytesRoute, () => streamOf(1_000, 7_000))
    const { fetch, payments, close } = await buyer()
    const response = await fetch(server.url)
    const reader = response.body?.getReader()
    for (let read = 0; read < 3; read++) await reader?.read()
    await reader?.cancel()
    await expect.poll(() => left).toBe(1)
    await expect.poll(() => payments.length).toBe(1)
    expect(booked().spent).toBeLessThan(1_000n)
    await close()
    await server.stop()
  })

  test('paid ahead by exact: the answer is as long as the payment', async () => {
    const { network, asset, extra } = chain.requirements
    const facilitator = await openFacilitator({
      chains: [{ network, client: chain.client, relayer: accountAt(5) }],
      journal: memoryJournal(),
    })
    const currency = { network, asset, payTo: seller.address, name: extra?.name, version: extra?.version }
    const wall = paywallOf(exactScheme({ currencies: [currency as never], facilitator }))
    const budget = await openBudget({ path: join(folder, 'exact.jsonl'), limits: {} })
    const { deployment, currency: token } = chain
    const fetch = createPayingFetch({ deployment, currency: token, budget, signer: accountAt(1) })
    const short = await sell(bytesRoute, () => streamOf(1, 7_000), wall)
    expect((await (await fetch(short.url)).arrayBuffer()).byteLength).toBe(7_000)
    const long = await sell(bytesRoute, () => streamOf(5, 7_000), wall)
    await expect((await fetch(long.url)).arrayBuffer()).rejects.toThrow()
    expect(await chain.balanceOf(seller.address)).toBe(200n)
    await Promise.all([short.stop(), long.stop()])
    await budget.close()
    await facilitator.close()
  })
})

describe('error', () => {
  test('METER_MISSING: a price by a unit that nothing counts is not asked for', async () => {
    const metered = { per: 'furlong', price: 1n }
    await expect(
      paywall.charge(
        new Request('http://shop.example/'),
        { price: { amount: 5n, metered } },
        () => new Response(''),
      ),
    ).rejects.toMatchObject({ code: 'METER_MISSING', details: { unit: 'furlong' } })
  })

  test('a seller that says it charged more than was promised', async () => {
    const server = await sell(bytesRoute, () => streamOf(14, 7_000))
    const { deployment, currency } = chain
    const { channels, budget, payments, close } = await buyer()
    const lying: typeof globalThis.fetch = async (input, init) => {
      const request = new Request(input, init)
      const response = await globalThis.fetch(request)
      const isReport = request.headers.has('millrace-stream') && !request.headers.has('payment-signature')
      if (!isReport) return response
      await response.body?.cancel()
      return Response.json({ used: '1000000', held: '1000000', ended: 'complete' })
    }
    const told: Payment[] = []
    const fetch = createPayingFetch({
      ...{ deployment, currency, budget, channels, fetch: lying },
      onPayment: (payment) => told.push(payment),
    })
    expect((await (await fetch(server.url)).arrayBuffer()).byteLength).toBe(98_000)
    expect(told[0]?.amount).toBe(booked().worth)
    expect(budget.state().spent).toBe(booked().worth)
    expect(payments).toEqual([])
    await close()
    await server.stop()
  })

  test('a seller that sends nothing and lets the time go by is not paid for it', async () => {
    let sent = false
    const server = await sell(
      secondsRoute,
      () =>
        new ReadableStream<Uint8Array>({
          pull(controller) {
            if (sent) return new Promise(() => undefined)
            sent = true
            controller.enqueue(new Uint8Array(1))
            return undefined
          },
        }),
      paywallOf(streamScheme({ ledger, deployment: chain.deployment, currency: chain.currency }), 100),
    )
    const { fetch, close } = await buyer({}, { idleMs: 400 })
    await expect((await fetch(server.url)).arrayBuffer()).rejects.toThrow()
    // A payment or two more than the idle time, on a slow machine some more; never without end.
    expect(booked().worth).toBeLessThan(10_000n)
    await close()
    await server.stop()
  })

  test('STREAM_UNKNOWN, and payments that are none', async () => {
    const server = await sell(bytesRoute, () => streamOf(2, 10))
    const unknown = await fetch(server.url, { headers: { 'millrace-stream': '0x00' } })
    expect(unknown.status).toBe(404)
    expect(await unknown.json()).toMatchObject({ error: { code: 'STREAM_UNKNOWN' } })

    const { deployment, currency } = chain
    const { channels, budget, close } = await buyer()
    const seen: string[] = []
    const watching: typeof globalThis.fetch = async (input, init) => {
      const response = await globalThis.fetch(input, init)
      seen.push(response.headers.get('millrace-stream') ?? '')
      return response
    }
    const pay = createPayingFetch({ deployment, currency, budget, channels, fetch: watching })
    await (await pay(server.url)).arrayBuffer()
    const stream = seen.find((name) => name !== '') ?? ''
    const state = await fetch(server.url, { headers: { 'millrace-stream': stream } })
    expect(await state.json()).toEqual({ used: '1', held: '100', ended: 'complete' })
    expect(state.headers.get('millrace-receipt')).not.toBeNull()
    const garbage = await fetch(server.url, {
      headers: { 'millrace-stream': stream, 'payment-signature': 'e30=' },
    })
    expect(garbage.status).toBe(400)
    const other = Buffer.from(
      JSON.stringify({
        x402Version: 2,
        accepted: chain.requirements,
        payload: {},
      }),
    ).toString('base64')
    const foreign = await fetch(server.url, {
      headers: { 'millrace-stream': stream, 'payment-signature': other },
    })
    expect(foreign.status).toBe(402)
    expect(await foreign.json()).toMatchObject({ error: 'no_matching_requirements' })
    await close()
    await server.stop()
  })
})
