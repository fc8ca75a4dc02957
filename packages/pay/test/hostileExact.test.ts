import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { nodeListener } from '../src/adapters/node.ts'
import { createPayingFetch } from '../src/buyer/createPayingFetch.ts'
import { type Budget, openBudget } from '../src/buyer/openBudget.ts'
import { pendingHeader } from '../src/seller/problem.ts'
import { encodePaymentRequired, encodeSettleResponse, headerNames } from '../src/wire/headers.ts'
import type { PaymentRequired, PaymentRequirements } from '../src/wire/x402.ts'
import { toV1Requirements, v1HeaderNames } from '../src/wire/x402v1.ts'
import { accountAt, etchUsdc, type LocalChain, startLocalChain } from './localChain.ts'
import { listen } from './stockFacilitator.ts'

let chain: LocalChain
let usdc: PaymentRequirements
let folder: string
let budget: Budget
beforeAll(async () => {
  chain = await startLocalChain(84532)
  usdc = await etchUsdc(chain)
})
afterAll(() => chain?.stop())
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'hostile-'))
  budget = await openBudget({
    path: join(folder, 'budget.jsonl'),
    limits: { perPayment: 5_000n, lifetime: 10_000n },
  })
})
afterEach(async () => {
  await budget.close()
  rmSync(folder, { recursive: true, force: true })
})

const other = accountAt(4).address
type Change = Partial<PaymentRequirements> & { readonly url?: string }

/** How a version of x402 asks, and where it looks for a payment. */
const dialects = {
  'x402 v2': {
    payment: headerNames.payment,
    ask: (required: PaymentRequired) =>
      new Response('{}', {
        status: 402,
        headers: { [headerNames.required]: encodePaymentRequired(required) },
      }),
  },
  'x402 v1': {
    payment: v1HeaderNames.payment,
    ask: ({ accepts, resource }: PaymentRequired) =>
      Response.json(
        {
          x402Version: 1,
          error: 'X-PAYMENT header is required',
          accepts: accepts.map((each) => toV1Requirements(each, resource)),
        },
        { status: 402 },
      ),
  },
} as const

/** A server that takes payments, serves nothing, and asks as `change` says, the n-th time from 1. */
async function startHostile(dialect: keyof typeof dialects, change: (time: number) => Change) {
  const { payment, ask } = dialects[dialect]
  const taken: string[] = []
  let asked = 0
  const server = await listen(
    nodeListener(async (request) => {
      const header = request.headers.get(payment)
      if (header !== null) taken.push(header)
      const { url = request.url, ...changed } = change(++asked)
      return ask({ x402Version: 2, resource: { url }, accepts: [{ ...usdc, ...changed }] })
    }),
  )
  return { ...server, taken }
}

const buyer = () =>
  createPayingFetch({
    deployment: chain.deployment,
    currency: { ...chain.currency, address: usdc.asset as `0x${string}` },
    budget,
    signer: accountAt(1),
  })

/** Nonces of the payments that a server took. */
const nonces = (taken: readonly string[]) =>
  taken.map((header) => (JSON.parse(atob(header)).payload.authorization as { nonce: string }).nonce)

describe.each(Object.keys(dialects) as (keyof typeof dialects)[])('%s', (dialect) => {
  test.each<[string, (time: number) => Change, string, number]>([
    ['asks for more than it quoted', (time) => ({ amount: String(1000 * time) }), 'QUOTE_CHANGED', 1],
    ['redirects the payee', (time) => (time === 1 ? {} : { payTo: other }), 'QUOTE_CHANGED', 1],
    ['changes the asset on retry', (time) => (time === 1 ? {} : { asset: other }), 'NO_WAY_TO_PAY', 1],
    [
      'changes the chain on retry',
      (time) => (time === 1 ? {} : { network: 'eip155:8453' }),
      'NO_WAY_TO_PAY',
      1,
    ],
    ['asks in an unknown token', () => ({ asset: other }), 'NO_WAY_TO_PAY', 0],
    ['asks on another chain', () => ({ network: 'eip155:8453' }), 'NO_WAY_TO_PAY', 0],
    ['asks for a fortune', () => ({ amount: '10000000000' }), 'BUDGET_EXCEEDED', 0],
    [
      'asks to be paid for another place',
      () => ({ url: 'https://elsewhere.example/' }),
      'PAYMENT_REQUIRED_INVALID',
      0,
    ],
    ['is paid and asks again, for ever', () => ({}), 'PAYMENT_LOOP', 2],
  ])('error: a server that %s', async (_, change, code, payments) => {
    const server = await startHostile(dialect, change)
    await expect(buyer()(server.url)).rejects.toMatchObject({ code })
    expect(server.taken).toHaveLength(payments)
    // However often it is signed for one request, one transfer can be settled.
    expect(new Set(nonces(server.taken)).size).toBe(Math.min(payments, 1))
    expect(budget.state()).toMatchObject({ spent: payments === 0 ? 0n : 1000n, reserved: 0n })
    await server.stop()
  })
})

test('error: PaymentNotSettledError where the server says so and asks for nothing else', async () => {
  const failed = { success: false, transaction: '', network: usdc.network, errorReason: 'late' }
  const server = await listen(
    nodeListener(async (request) =>
      request.headers.has(headerNames.payment)
        ? new Response('{}', {
            status: 402,
            headers: { [headerNames.response]: encodeSettleResponse(failed) },
          })
        : dialects['x402 v2'].ask({ x402Version: 2, resource: { url: request.url }, accepts: [usdc] }),
    ),
  )
  await expect(buyer()(server.url)).rejects.toMatchObject({ code: 'PAYMENT_NOT_SETTLED' })
  expect(budget.state()).toMatchObject({ spent: 1000n, reserved: 0n })
  await server.stop()
})

test('error: PaymentRequiredInvalidError where a body never ends', async () => {
  const server = await listen(
    nodeListener(async () => {
      const endless = new ReadableStream<Uint8Array>({
        pull: (controller) => controller.enqueue(new Uint8Array(65_536).fill(32)),
      })
      return new Response(endless, { status: 402 })
    }),
  )
  await expect(buyer()(server.url)).rejects.toMatchObject({ code: 'PAYMENT_REQUIRED_INVALID' })
  await server.stop()
})

test.each(Object.values(dialects))(
  'behavior: a seller that does not know yet is asked again with the same payment ($payment)',
  async ({ payment, ask }) => {
    const seen: string[] = []
    const server = await listen(
      nodeListener((request) => {
        const header = request.headers.get(payment)
        const resource = { url: request.url }
        if (header === null) return ask({ x402Version: 2, resource, accepts: [usdc] })
        seen.push(header)
        return seen.length < 4
          ? new Response('{}', { status: 503, headers: { 'retry-after': '0', [pendingHeader]: '1' } })
          : new Response('paid')
      }),
    )
    const { deployment, currency } = chain
    const options = { deployment, currency: { ...currency, address: usdc.asset as never }, budget }
    const fetch = createPayingFetch({ ...options, signer: accountAt(1) })
    expect(await (await fetch(`${server.url}/data`)).text()).toBe('paid')
    expect(seen).toHaveLength(4)
    expect(new Set(seen).size).toBe(1)
    expect(budget.state()).toMatchObject({ spent: 1_000n, reserved: 0n })
    await server.stop()
  },
)

test('error: a seller that is out of order is not waited for', async () => {
  let asked = 0
  const server = await listen(
    nodeListener((request) => {
      const resource = { url: request.url }
      if (!request.headers.has(headerNames.payment))
        return dialects['x402 v2'].ask({ x402Version: 2, resource, accepts: [usdc] })
      asked++
      return new Response('out of order', { status: 503, headers: { 'retry-after': '3600' } })
    }),
  )
  const { deployment, currency } = chain
  const options = { deployment, currency: { ...currency, address: usdc.asset as never }, budget }
  const fetch = createPayingFetch({ ...options, signer: accountAt(1) })
  expect((await fetch(`${server.url}/data`)).status).toBe(503)
  expect(asked).toBe(1)
  // The signature is out.
  expect(budget.state()).toMatchObject({ spent: 1_000n, reserved: 0n })
  await server.stop()
})
