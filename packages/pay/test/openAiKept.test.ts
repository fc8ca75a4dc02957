import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { type Address, zeroAddress } from 'viem'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { PaymentPayload, SellerScheme } from '../src/index.ts'
import { PaymentRefusedError } from '../src/index.ts'
import { type KeptCall, type KeptCalls, openAiGateway, openKeptCalls } from '../src/openai/index.ts'
import { encodePaymentPayload } from '../src/wire/headers.ts'
import { beginStream, event, sendCompletion, startUpstream } from './startUpstream.ts'

const payer: Address = '0x00000000000000000000000000000000000000b0'
const price = { perRequest: 100n, perMillionInput: 0n, perMillionOutput: 0n }
const metered = { perRequest: 5n, perMillionInput: 0n, perMillionOutput: 1_000_000n }
const models = [
  { id: 'flat', price, maxInput: 100, maxOutput: 8 },
  { id: 'sold', price: metered, maxInput: 100, maxOutput: 8 },
]

let folder: string
let files = 0
let upstream: Awaited<ReturnType<typeof startUpstream>>
let made = 0
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'openai-kept-'))
  upstream = await startUpstream(async ({ body }, response) => {
    made++
    const usage = { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 }
    if (body.stream !== true) return sendCompletion(response, `answer ${made}`, usage)
    beginStream(response)
    response.write(event(`answer ${made}`))
    response.write(event('.', { usage }))
    response.end('data: [DONE]\n\n')
  })
})
afterAll(async () => {
  await upstream?.close()
  rmSync(folder, { recursive: true, force: true, maxRetries: 40, retryDelay: 50 })
})

/**
 * Money that outlives the seller's process, kept as books on disk or a chain would keep it. By `hold` what is held counts as charged when the
 * process dies; by `once` a payment is settled once, whoever asks however often.
 */
function openMoney() {
  let charged = 0n
  let open: bigint[] = []
  const settled = new Map<string, bigint>()
  const once = (payment: PaymentPayload) => ({
    payer,
    async capture(amount: bigint) {
      const name = String(payment.payload.name)
      if (payment.payload.bad === true) throw new PaymentRefusedError({ reason: 'refused' })
      settled.set(name, settled.get(name) ?? amount)
      return { success: true, transaction: '0x01', network: 'eip155:1', amount: String(settled.get(name)) }
    },
  })
  const terms = { network: 'eip155:1', asset: zeroAddress, payTo: zeroAddress, maxTimeoutSeconds: 60 }
  const ask = (scheme: string) => async (cost: { readonly amount: bigint }) => [
    { ...terms, scheme, amount: String(cost.amount) },
  ]
  const schemes: readonly SellerScheme[] = [
    {
      scheme: 'hold',
      requirements: ask('hold'),
      async reserve(_, { requirements }) {
        const ceiling = BigInt(requirements.amount)
        open.push(ceiling)
        const end = (amount: bigint) => {
          open.splice(open.indexOf(ceiling), 1)
          charged += amount
        }
        return {
          ...{ payer, ceiling },
          async capture(amount) {
            end(amount)
            return { success: true, transaction: '', network: 'eip155:1', amount: String(amount) }
          },
          release: async () => end(0n),
        }
      },
    },
    {
      scheme: 'once',
      requirements: ask('once'),
      paymentKey: ({ payload }) => String(payload.name),
      reserve: async (payment, { requirements }) => ({
        ...{ ...once(payment), ceiling: BigInt(requirements.amount), release: async () => undefined },
      }),
      resume: async (payment) => once(payment),
    },
  ]
  return {
    schemes,
    /** All that was taken, after a crash too. */
    taken: () => charged + [...settled.values()].reduce((sum, each) => sum + each, 0n),
    crash() {
      charged += open.reduce((sum, each) => sum + each, 0n)
      open = []
    },
  }
}

/** A seller whose process ends, as by kill -9, when it has written so many lines; nothing of it is written or answered after that. */
async function seller(path: string, money: ReturnType<typeof openMoney>, dies: number) {
  const file = await openKeptCalls({ path })
  let lines = 0
  let died: () => void = () => undefined
  const death = new Promise<'dead'>((resolve) => {
    died = () => resolve('dead')
  })
  const kept: KeptCalls = {
    ...file,
    async write(key: string, call: KeptCall | null) {
      if (lines >= dies) return new Promise<void>(() => undefined)
      lines++
      await file.write(key, call)
      if (lines < dies) return
      died()
      return new Promise<void>(() => undefined)
    },
  }
  const gateway = openAiGateway({ upstream, models, schemes: money.schemes, kept })
  return { gateway, death, file }
}

const requestOf = (of: { scheme: string; model: string; stream: boolean; name: string; bad?: boolean }) => {
  const { scheme, model, stream, name, bad = false } = of
  const accepted = {
    scheme,
    network: 'eip155:1',
    asset: zeroAddress,
    payTo: zeroAddress,
    maxTimeoutSeconds: 60,
  }
  const quote = model === 'flat' ? '100' : '13'
  const payment = {
    x402Version: 2 as const,
    accepted: { ...accepted, amount: quote },
    payload: { name, bad },
  }
  return new Request('http://seller.example/v1/completions', {
    method: 'POST',
    headers: { 'idempotency-key': 'a key', 'payment-signature': encodePaymentPayload(payment) },
    body: JSON.stringify({ model, prompt: 'x', stream, max_tokens: 8 }),
  })
}
const textOf = (answer: string) => /answer \d+/.exec(answer)?.[0] ?? answer

test('property: whoever paid and whose answer was computed gets it by its key after a crash at any line, and pays once', async () => {
  const way = fc.record({
    scheme: fc.constantFrom('hold', 'once'),
    model: fc.constantFrom('flat', 'sold'),
    stream: fc.boolean(),
    dies: fc.integer({ min: 1, max: 4 }),
    again: fc.integer({ min: 1, max: 5 }),
  })
  await fc.assert(
    fc.asyncProperty(way, async ({ dies, again, ...call }) => {
      const path = join(folder, `calls-${files++}`)
      const money = openMoney()
      const before = made
      const read = async (gateway: (request: Request) => Promise<Response>, name: string) => {
        const response = await gateway(requestOf({ ...call, name }))
        return { status: response.status, text: await response.text() }
      }
      const texts: string[] = []
      for (const [life, lines] of [dies, again].entries()) {
        const { gateway, death, file } = await seller(path, money, lines)
        const answer = await Promise.race([read(gateway, `payment ${life}`), death])
        if (answer !== 'dead') texts.push(textOf(answer.text))
        money.crash()
        await file.close()
      }
      const { gateway, file } = await seller(path, money, 1_000)
      const last = await read(gateway, 'payment 2')
      expect(last.status).toBe(200)
      texts.push(textOf(last.text))
      // Whoever saw it sees the same; a repetition is the same answer.
      const whole = texts.filter((text) => text.startsWith('answer'))
      expect((await read(gateway, 'payment 3')).text).toBe(last.text)
      const made1 = [...file.left.values()]
      // Once it was computed whole, nobody computes it again.
      if (!call.stream && made1.some(({ type }) => type === 'made' || type === 'answered'))
        expect(new Set(whole).size).toBe(1)
      expect(made - before).toBeLessThanOrEqual(3)
      // Never more than the quote by what is settled once; by what is held, a crash charges the quote and no more.
      const quote = call.model === 'flat' ? 100n : 13n
      expect(money.taken()).toBeLessThanOrEqual(quote)
      expect(money.taken()).toBeGreaterThan(0n)
      await file.close()
    }),
    { numRuns: 80 },
  )
})

test('attack: an answer that was made for a payment that is refused in the end is not given', async () => {
  const path = join(folder, `calls-${files++}`)
  const money = openMoney()
  const call = { scheme: 'once', model: 'flat', stream: false, bad: true }
  const { gateway, death, file } = await seller(path, money, 1)
  await Promise.race([gateway(requestOf({ ...call, name: 'a' })), death])
  await file.close()
  const next = await seller(path, money, 1_000)
  expect([...next.file.left.values()]).toMatchObject([{ type: 'made' }])
  const answer = await next.gateway(requestOf({ ...call, name: 'b' }))
  expect([answer.status, (await answer.text()).includes('answer')]).toEqual([402, false])
  expect(money.taken()).toBe(0n)
  const paid = await next.gateway(requestOf({ ...call, bad: false, name: 'c' }))
  expect(paid.status).toBe(200)
  expect(money.taken()).toBe(100n)
  await next.file.close()
})
