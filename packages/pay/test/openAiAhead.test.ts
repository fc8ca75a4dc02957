import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import {
  channelPaymentToJson,
  decodePaymentRequired,
  encodePaymentPayload,
  headerNames,
  type Ledger,
  openLedger,
  streamScheme,
} from '../src/index.ts'
import { openAiGateway, serveFetch } from '../src/openai/index.ts'
import { channelOf, currency, domain, openState, payee, paymentOf } from './offChain.ts'
import { type SlowDisk, slowDisk } from './slowDisk.ts'
import { beginStream, event, sendCompletion, startUpstream } from './startUpstream.ts'

const deployment = {
  ...{ chainId: domain.chainId, channels: domain.channels, till: currency, assets: currency },
  ...{ market: currency, currencies: [], epochLength: 60 },
}
const price = { perRequest: 5n, perMillionInput: 1_000_000n, perMillionOutput: 3_000_000n }
const usage = { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 }
const charged = 14n

let folder: string
let ledger: Ledger
let upstream: Awaited<ReturnType<typeof startUpstream>>
let gateway: Awaited<ReturnType<typeof serveFetch>>
let disk: SlowDisk
let promised: bigint

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ahead-'))
  promised = 0n
  ledger = await openLedger({
    ...{ ...domain, path: join(folder, 'ledger.jsonl'), payee: { account: payee }, currency },
    readChannel: async () => openState(channelOf(1), 10n ** 12n),
  })
  const scheme = streamScheme({
    ...{ ledger, deployment },
    currency: { address: currency, symbol: 'X', decimals: 6, name: 'X', version: '1' },
  })
  disk = slowDisk(scheme)
  upstream = await startUpstream(async ({ body }, response) => {
    if (body.stream !== true) return sendCompletion(response, 'four five', usage)
    beginStream(response)
    response.write(event('four five', { usage }))
    response.end('data: [DONE]\n\n')
  })
  gateway = await serveFetch(
    openAiGateway({
      upstream: { url: upstream.url },
      models: [{ id: 'sold', price, maxInput: 1000, maxOutput: 100 }],
      schemes: [disk.scheme],
    }),
  )
})
afterEach(async () => {
  await gateway.close()
  await upstream.close()
  await ledger.close()
  rmSync(folder, { recursive: true, force: true, maxRetries: 40, retryDelay: 50 })
})

async function post(stream: boolean, headers: Record<string, string> = {}): Promise<Response> {
  const body = JSON.stringify({ model: 'sold', prompt: 'one two three', max_tokens: 20, stream })
  const ask = (paid: Record<string, string>) =>
    fetch(`${gateway.url}/v1/completions`, { method: 'POST', headers: { ...headers, ...paid }, body })
  const unpaid = await ask({})
  const [accepted] = decodePaymentRequired(unpaid.headers.get(headerNames.required) ?? '').accepts
  if (accepted === undefined) throw new RangeError('the gateway asks for nothing')
  promised += BigInt(accepted.amount)
  const payload = channelPaymentToJson(await paymentOf(1, promised))
  return ask({ [headerNames.payment]: encodePaymentPayload({ x402Version: 2, accepted, payload }) })
}

const book = () => ledger.books()[0]

test.each([
  ['whole', false],
  ['streamed', true],
])(
  'behavior: the upstream is asked before the disk has the payment, and a %s answer waits for it',
  async (_, stream) => {
    let isThere = false
    const answer = post(stream).then((response) => {
      isThere = true
      return response
    })
    await expect.poll(() => upstream.asked).toHaveLength(1)
    // Once the upstream's answer is through, the gateway's own would follow at once.
    await new Promise((resolve) => setTimeout(resolve, 100))
    expect(isThere).toBe(false)
    disk.end()
    const response = await answer
    expect([response.status, await response.text()]).toEqual([200, expect.stringContaining('four five')])
    expect(book()).toMatchObject({ spent: charged, holds: 0 })
  },
)

test.each([
  ['whole', false],
  ['streamed', true],
])(
  'error: a %s answer is not given out where the disk does not take the payment, and costs nothing',
  async (_, stream) => {
    const answer = post(stream)
    await expect.poll(() => upstream.asked).toHaveLength(1)
    disk.end(new RangeError('the disk is full'))
    const response = await answer
    expect(response.status).toBe(500)
    expect(await response.text()).not.toContain('four')
    expect(book()).toMatchObject({ spent: 0n, holds: 0 })
  },
)

test('behavior: under an idempotency key nothing begins before the disk has the payment', async () => {
  const answer = post(false, { 'idempotency-key': 'a' })
  await expect.poll(() => disk.writing()).toBe(true)
  expect(book()?.holds).toBe(1)
  await new Promise((resolve) => setTimeout(resolve, 100))
  expect(upstream.asked).toHaveLength(0)
  disk.end()
  expect((await answer).status).toBe(200)
  expect(upstream.asked).toHaveLength(1)
})
