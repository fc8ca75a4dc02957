import { setTimeout as sleep } from 'node:timers/promises'
import fc from 'fast-check'
import { type Address, zeroAddress } from 'viem'
import { expect, test, vi } from 'vitest'
import type { SellerScheme } from '../src/index.ts'
import { type Charge, openAiGateway, serveFetch } from '../src/openai/index.ts'
import { beginStream, event, sendCompletion, startUpstream } from './startUpstream.ts'

const payer: Address = '0x00000000000000000000000000000000000000b0'

/** Counts money as a till would: what is held is either charged or let go, each once and never more than was held. */
function openTill() {
  let held = 0n
  let charged = 0n
  let open = 0
  const scheme: SellerScheme = {
    scheme: 'till',
    async requirements(price) {
      const terms = { scheme: 'till', network: 'eip155:31337', asset: zeroAddress, payTo: zeroAddress }
      return [{ ...terms, amount: String(price.amount), maxTimeoutSeconds: 60 }]
    },
    async reserve(_, { requirements }) {
      const ceiling = BigInt(requirements.amount)
      held += ceiling
      open++
      let over = false
      const end = () => {
        expect(over, 'a reservation ends once').toBe(false)
        over = true
        open--
        held -= ceiling
      }
      return {
        payer,
        ceiling,
        async capture(amount) {
          expect(amount).toBeGreaterThan(0n)
          expect(amount).toBeLessThanOrEqual(ceiling)
          end()
          charged += amount
          return { success: true, transaction: '', network: requirements.network, amount: String(amount) }
        },
        release: async () => end(),
      }
    },
  }
  return { scheme, held: () => held, charged: () => charged, open: () => open }
}

const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ type: fc.constant('text' as const), text: fc.string({ minLength: 1 }) }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('usage' as const), tokens: fc.nat(200) }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('wait' as const), ms: fc.nat(4) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant('raw' as const),
      text: fc.constantFrom('x', 'data: {\n\n', ':\n\n', 'data: {"error":{}}\n\n', 'data: [DONE]\n\n'),
    }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('cut' as const) }) },
)
const scenario = fc.record({
  steps: fc.array(step, { maxLength: 25 }),
  stream: fc.boolean(),
  status: fc.oneof(
    { weight: 9, arbitrary: fc.constant(200) },
    { weight: 1, arbitrary: fc.constantFrom(400, 500) },
  ),
  leaveAfterMs: fc.option(fc.nat(25), { nil: null }),
  key: fc.option(fc.constantFrom('a', 'b'), { nil: null }),
  maxTokens: fc.integer({ min: 1, max: 30 }),
})

type Step = typeof step extends fc.Arbitrary<infer value> ? value : never
type Scenario = typeof scenario extends fc.Arbitrary<infer value> ? value : never

test('whatever upstream and buyer do, all that was held is charged or let go, once', async () => {
  const scripts = new Map<string, { steps: readonly Step[]; status: number }>()
  const upstream = await startUpstream(async ({ body }, response) => {
    const { steps, status } = scripts.get(String(body.user)) ?? { steps: [], status: 500 }
    if (status !== 200) return void response.writeHead(status).end('{}')
    if (body.stream !== true)
      return sendCompletion(response, steps.map((one) => ('text' in one ? one.text : '')).join(''))
    beginStream(response)
    for (const one of steps) {
      if (response.destroyed) return
      if (one.type === 'text') response.write(event(one.text))
      else if (one.type === 'usage')
        response.write(event('', { usage: { prompt_tokens: one.tokens, completion_tokens: one.tokens } }))
      else if (one.type === 'wait') await sleep(one.ms)
      else if (one.type === 'raw') response.write(one.text)
      else return void response.destroy()
    }
    response.end('data: [DONE]\n\n')
  })
  const charges: Charge[] = []
  const till = openTill()
  const price = { perRequest: 3n, perMillionInput: 700_000n, perMillionOutput: 2_300_000n }
  const gateway = await serveFetch(
    openAiGateway({
      upstream: { url: upstream.url, silenceMs: 60_000 },
      models: [{ id: 'm', price, maxInput: 300, maxOutput: 30 }],
      schemes: [till.scheme],
      onCharge: (charge) => charges.push(charge),
    }),
  )
  const url = `${gateway.url}/v1/completions`
  let calls = 0
  async function call({ steps, status, stream, leaveAfterMs, key, maxTokens }: Scenario) {
    // Calls with one key ask for the same, so that some repeat others.
    const user = key ?? `u${calls++}`
    scripts.set(user, { steps, status })
    const asked = key === null ? { stream, max_tokens: maxTokens } : { stream: true, max_tokens: 20 }
    const body = JSON.stringify({ model: 'm', prompt: 'p', ...asked, user })
    const unpaid = await fetch(url, { method: 'POST', body })
    await unpaid.arrayBuffer()
    const required = Buffer.from(unpaid.headers.get('payment-required') ?? '', 'base64').toString()
    const [accepted] = JSON.parse(required).accepts
    const payment = Buffer.from(JSON.stringify({ x402Version: 2, accepted, payload: {} })).toString('base64')
    const headers = { 'payment-signature': payment, ...(key === null ? {} : { 'idempotency-key': key }) }
    const signal = leaveAfterMs === null ? null : AbortSignal.timeout(leaveAfterMs)
    await fetch(url, { method: 'POST', headers, body, signal })
      .then((response) => response.text())
      .catch(() => null)
  }
  try {
    await fc.assert(
      fc.asyncProperty(fc.array(scenario, { minLength: 1, maxLength: 6 }), async (scenarios) => {
        await Promise.all(scenarios.map(call))
        await vi.waitFor(() => expect(till.open()).toBe(0), { timeout: 20_000 })
        expect(till.held()).toBe(0n)
        const told = charges.reduce((sum, { charged }) => sum + charged, 0n)
        expect(told).toBe(till.charged())
      }),
      { numRuns: process.env.MILLRACE_DEEP === undefined ? 60 : 3000 },
    )
    // A campaign that never came there proves nothing. Whether a buyer leaves in time is the machine's to say.
    expect(charges.map(({ outcome }) => outcome)).toEqual(expect.arrayContaining(['complete', 'failed']))
  } finally {
    await gateway.close()
    await upstream.close()
  }
}, 600_000)
