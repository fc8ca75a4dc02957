import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { JournalWriteError } from '@millrace/journal'
import { zeroHash } from 'viem'
import { afterEach, beforeEach, expect, test } from 'vitest'
import {
  channelPaymentToJson,
  createPaywall,
  encodePaymentPayload,
  type Ledger,
  openLedger,
  type PaidHandler,
  type PaidRoute,
  type Paywall,
  type Price,
  streamScheme,
} from '../src/index.ts'
import { channelOf, currency, domain, openState, payee, paymentOf } from './offChain.ts'
import { type SlowDisk, slowDisk } from './slowDisk.ts'

/** Routes whose handler begins while the payment is being written: nothing of the answer goes out before, or without, that. */
const deployment = {
  ...{ chainId: domain.chainId, channels: domain.channels, till: currency, assets: currency },
  ...{ market: currency, currencies: [], epochLength: 60 },
}
const url = 'http://shop.example/answer'
const amount = 100n
const full = () => new JournalWriteError({ path: 'a', cause: new RangeError('ENOSPC') })

let folder: string
let ledger: Ledger
let disk: SlowDisk
let paywall: Paywall
let promised: bigint
/** How often the handler began. */
let begun: number

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ahead-'))
  promised = 0n
  begun = 0
  ledger = await openLedger({
    ...{ ...domain, path: join(folder, 'ledger.jsonl'), payee: { account: payee }, currency },
    readChannel: async () => openState(channelOf(1), 10n ** 12n),
  })
  const token = { address: currency, symbol: 'X', decimals: 6, name: 'X', version: '1' }
  disk = slowDisk(streamScheme({ ledger, deployment, currency: token }))
  paywall = createPaywall({ schemes: [disk.scheme] })
})
afterEach(async () => {
  await ledger.close()
  rmSync(folder, { recursive: true, force: true, maxRetries: 40, retryDelay: 50 })
})

async function pay(price: Price): Promise<string> {
  const request = { method: 'GET', url, digest: zeroHash, idempotencyKey: null }
  const [accepted] = await disk.scheme.requirements(price, request)
  if (accepted === undefined) throw new RangeError('nothing is asked for')
  promised += price.amount
  const payload = channelPaymentToJson(await paymentOf(1, promised))
  return encodePaymentPayload({ x402Version: 2, accepted, payload })
}

/** Asks once, paid; `now` says what came by then. */
function ask(paid: string, options: Partial<PaidRoute> & { handler?: PaidHandler; key?: string } = {}) {
  const { handler = () => new Response('forty-two'), key, ...route } = options
  const headers = { 'PAYMENT-SIGNATURE': paid, ...(key === undefined ? {} : { 'Idempotency-Key': key }) }
  let came: Response | null = null
  const answer = paywall
    .charge(new Request(url, { headers }), { price: { amount }, ahead: true, ...route }, (request, call) => {
      begun++
      return handler(request, call)
    })
    .then((response) => {
      came = response
      return response
    })
  return { answer, now: () => came }
}

const book = () => ledger.books()[0]
/** Long after what does not wait for the disk would have come. */
const meanwhile = () => new Promise((resolve) => setTimeout(resolve, 60))

const streamed = () =>
  new Response(new Response('forty-two').body, { headers: { 'content-type': 'text/event-stream' } })
const metered = { amount, metered: { per: 'byte', price: 1n } } as const

test.each<[string, Price, () => Response]>([
  ['whole answer', { amount }, () => new Response('forty-two')],
  ['stream of events', { amount }, streamed],
  ['answer that is paid while it streams', metered, () => new Response('forty-two')],
])(
  'behavior: the handler begins before the disk has the payment, and a %s waits for it',
  async (_, price, handler) => {
    const { answer, now } = ask(await pay(price), { price, handler })
    await expect.poll(() => begun).toBe(1)
    await meanwhile()
    expect(now()).toBeNull()
    disk.end()
    expect(await (await answer).text()).toBe('forty-two')
    expect(book()?.holds).toBe(0)
  },
)

test('default: without it nothing begins before the disk has the payment', async () => {
  const { answer } = ask(await pay({ amount }), { ahead: false })
  await expect.poll(() => disk.writing()).toBe(true)
  await meanwhile()
  expect(begun).toBe(0)
  disk.end()
  expect((await answer).status).toBe(200)
})

test('behavior: a handler that cannot take back what it does waits for the payment itself', async () => {
  let isOpen = false
  const handler: PaidHandler = async (_, call) => {
    await call?.kept
    isOpen = true
    return new Response('the door is open')
  }
  const refused = ask(await pay({ amount }), { handler })
  await expect.poll(() => begun).toBe(1)
  disk.end(full())
  // What the handler threw is the disk's failure.
  expect([(await refused.answer).status, isOpen]).toEqual([503, false])
  const taken = ask(await pay({ amount }), { handler })
  await expect.poll(() => begun).toBe(2)
  disk.end()
  expect([(await taken.answer).status, isOpen]).toEqual([200, true])
  expect(book()).toMatchObject({ spent: amount, holds: 0 })
})

test.each<[string, Price, () => Response]>([
  ['whole answer', { amount }, () => new Response('forty-two')],
  ['stream of events', { amount }, streamed],
  ['answer that is paid while it streams', metered, () => new Response('forty-two')],
])(
  'error: JOURNAL_WRITE_FAILED, a %s is thrown away, costs nothing, and the same payment buys it later',
  async (_, price, handler) => {
    const paid = await pay(price)
    const refused = ask(paid, { price, handler })
    await expect.poll(() => begun).toBe(1)
    disk.end(full())
    const response = await refused.answer
    expect(response.status).toBe(503)
    expect(await response.json()).toMatchObject({ error: { code: 'JOURNAL_WRITE_FAILED' } })
    expect(response.headers.get('PAYMENT-RESPONSE')).toBeNull()
    expect(book()).toMatchObject({ spent: 0n, holds: 0 })

    const again = ask(paid, { price, handler })
    await expect.poll(() => begun).toBe(2)
    disk.end()
    expect(await (await again.answer).text()).toBe('forty-two')
    expect(book()?.holds).toBe(0)
  },
)

test.each([400, 503])(
  'behavior: an answer of %i does not wait and costs nothing, whatever becomes of the write',
  async (status) => {
    for (const error of [undefined, full()]) {
      const { answer } = ask(await pay({ amount }), { handler: () => new Response('no', { status }) })
      expect((await answer).status).toBe(status)
      disk.end(error)
      await meanwhile()
      expect(book()).toMatchObject({ spent: 0n, holds: 0 })
    }
  },
)

test('behavior: a handler that fails ahead of the disk costs nothing, and fails as it would', async () => {
  const { answer } = ask(await pay({ amount }), {
    handler: () => {
      throw new RangeError('of the handler')
    },
  })
  await expect.poll(() => begun).toBe(1)
  disk.end()
  await expect(answer).rejects.toThrow('of the handler')
  expect(book()).toMatchObject({ spent: 0n, holds: 0 })
})

test('behavior: under an idempotency key a repetition is answered again once the first is paid, and begins anew where it was not', async () => {
  const repeat = async (error?: Error) => {
    const first = ask(await pay({ amount }), { key: 'a' })
    await expect.poll(() => disk.writing()).toBe(true)
    const second = ask(await pay({ amount }), { key: 'a' })
    disk.end(error)
    await first.answer
    // What the repetition holds is written as well.
    await expect.poll(() => disk.writing()).toBe(true)
    disk.end()
    return [(await first.answer).status, (await second.answer).status]
  }
  expect(await repeat(full())).toEqual([503, 200])
  expect([begun, book()?.spent, book()?.holds]).toEqual([2, amount, 0])
  expect(await repeat()).toEqual([200, 200])
  expect([begun, book()?.spent, book()?.holds]).toEqual([2, amount, 0])
})
