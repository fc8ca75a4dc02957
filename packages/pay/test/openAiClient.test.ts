import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { accountAt, prepaidFetch, prepaidScheme, startLocalChain } from '@millrace/example-paid-completion'
import { serveModel } from '@millrace/example-serve-lm'
import { encode, type Model, train, useWasm } from '@millrace/example-train-lm'
import { approveCurrency, confirm, depositToTill, transferInTill } from '@millrace/sdk'
import OpenAI from 'openai'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { type Charge, costUp, openAiGateway, serveFetch } from '../src/openai/index.ts'

const seller = accountAt(1)
const buyer = accountAt(2)
const price = { perRequest: 2n, perMillionInput: 500_000n, perMillionOutput: 2_000_000n }
const messages = [{ role: 'user' as const, content: 'What is a work?' }]
const ask = { model: 'lm', prompt: 'The licence', max_tokens: 12, seed: 7 } as const

let folder: string
let chain: Awaited<ReturnType<typeof startLocalChain>>
let model: Model
let served: Awaited<ReturnType<typeof serveModel>>
let gateway: Awaited<ReturnType<typeof serveFetch>>
let scheme: Awaited<ReturnType<typeof prepaidScheme>>
let charges: Charge[] = []
let client: OpenAI

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-client-'))
  await useWasm()
  const text = await readFile(fileURLToPath(new URL('../../../LICENSE', import.meta.url)), 'utf8')
  const shape = { width: 32, heads: 2 }
  const options = { steps: 5, seed: 1, vocabulary: 200, pieces: 2, piece: 32, shape }
  model = train({ documents: [{ path: 'LICENSE', text }], ...options }).model
  served = await serveModel(model, { name: 'lm' })
  chain = await startLocalChain()
  const { deployment, currency, walletOf } = chain
  const wallet = walletOf(2)
  const terms = { deployment, currency: currency.address, amount: 1_000_000n }
  await confirm(wallet, await approveCurrency(wallet, terms))
  await confirm(wallet, await depositToTill(wallet, terms))
  await confirm(wallet, await transferInTill(wallet, { ...terms, to: seller.address }))
  scheme = await prepaidScheme({
    client: chain.client,
    deployment,
    currency: currency.address,
    seller: seller.address,
    file: join(folder, 'charged.txt'),
  })
  gateway = await serveFetch(
    openAiGateway({
      upstream: { url: served.url },
      models: [{ id: 'lm', price, maxInput: 1024, maxOutput: 512 }],
      schemes: [scheme],
      countTokens: (text) => encode(model.tokenizer, text).length,
      onCharge: (charge) => charges.push(charge),
    }),
  )
  client = new OpenAI({
    baseURL: `${gateway.url}/v1`,
    apiKey: 'none',
    maxRetries: 0,
    fetch: prepaidFetch(buyer),
  })
})
afterAll(async () => {
  await gateway?.close()
  await served?.close()
  await chain?.stop()
  await rm(folder, { recursive: true, maxRetries: 40, retryDelay: 50 })
})
afterEach(() => {
  expect(scheme.held()).toBe(0n)
  charges = []
})

const costOf = (usage: { prompt_tokens?: number; completion_tokens?: number } | null | undefined) =>
  costUp(price, { input: usage?.prompt_tokens ?? 0, output: usage?.completion_tokens ?? 0 })

describe('the official client with a fetch that pays', () => {
  test('lists models for nothing', async () => {
    const { data } = await client.models.list()
    expect(data.map(({ id }) => id)).toEqual(['lm'])
    expect(charges).toEqual([])
  })

  test('completes, and pays by the tokens of the answer', async () => {
    const { usage, choices } = await client.completions.create(ask)
    expect(choices[0]?.finish_reason).toBe('length')
    expect(usage).toMatchObject({ completion_tokens: 12 })
    expect(charges).toMatchObject([{ route: 'completions', charged: costOf(usage), outcome: 'complete' }])
  })

  test('chats', async () => {
    const { usage, choices } = await client.chat.completions.create({
      model: 'lm',
      messages,
      seed: 1,
      max_tokens: 9,
    })
    expect(choices[0]?.message.role).toBe('assistant')
    expect(charges).toMatchObject([{ route: 'chat/completions', charged: costOf(usage) }])
  })

  test('embeds, and pays for the input alone', async () => {
    const { data, usage } = await client.embeddings.create({ model: 'lm', input: ['a work', 'a licence'] })
    expect(data.map(({ embedding }) => embedding.length)).toEqual([32, 32])
    expect(charges).toMatchObject([{ route: 'embeddings', output: 0, charged: costOf(usage) }])
  })

  test('streams, with and without usage, and pays the same as for the whole', async () => {
    const whole = await client.completions.create(ask)
    for (const include_usage of [true, false]) {
      const stream = await client.completions.create({
        ...ask,
        stream: true,
        stream_options: { include_usage },
      })
      let text = ''
      let usage: unknown = null
      for await (const chunk of stream) {
        text += chunk.choices[0]?.text ?? ''
        usage = chunk.usage ?? usage
      }
      expect(text).toBe(whole.choices[0]?.text)
      expect(usage).toEqual(include_usage ? whole.usage : null)
    }
    const chat = client.chat.completions.stream({ model: 'lm', messages, seed: 1, max_tokens: 9 })
    expect((await chat.finalChatCompletion()).choices[0]?.finish_reason).toBe('length')
    expect(charges.map(({ charged }) => charged).slice(0, 3)).toEqual(Array(3).fill(costOf(whole.usage)))
    expect(charges).toHaveLength(4)
  })

  test('many calls at once: each is charged what it cost', async () => {
    const answers = await Promise.all(
      Array.from({ length: 12 }, (_, seed) =>
        client.completions.create({ ...ask, seed, max_tokens: 3 + seed }),
      ),
    )
    const sum = answers.reduce((total, { usage }) => total + costOf(usage), 0n)
    expect(charges.reduce((total, { charged }) => total + charged, 0n)).toBe(sum)
  })

  test('a stream that is left ends the work, and costs what was sent', async () => {
    const stream = await client.completions.create({ ...ask, max_tokens: 500, stream: true })
    let seen = 0
    for await (const _ of stream) if (++seen === 3) break
    await vi.waitFor(() => expect(charges).toHaveLength(1), { timeout: 20_000 })
    await vi.waitFor(() => expect(served.busy()).toBe(0), { timeout: 20_000 })
    expect(charges[0]).toMatchObject({ outcome: 'left', by: 'gateway' })
    expect(charges[0]?.output).toBeGreaterThanOrEqual(3)
    expect(charges[0]?.output).toBeLessThan(500)
  })

  test('errors are its own error classes', async () => {
    const wrong = client.completions.create({ ...ask, max_tokens: 513 })
    await expect(wrong).rejects.toMatchObject({
      status: 400,
      code: 'max_tokens_too_large',
      param: 'max_tokens',
    })
    const refused = client.completions.create({ ...ask, temperature: 9 })
    await expect(refused).rejects.toMatchObject({
      status: 400,
      code: 'upstream_refused',
      param: 'temperature',
    })
    const unpaid = new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: 'none' }).completions.create(ask)
    await expect(unpaid).rejects.toMatchObject({ status: 402, type: 'payment_required' })
    expect(charges).toEqual([])
  })
})
