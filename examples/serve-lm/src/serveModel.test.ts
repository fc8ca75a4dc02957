import { readFile } from 'node:fs/promises'
import { request } from 'node:http'
import { fileURLToPath } from 'node:url'
import { encode, type Model, train, useWasm } from '@millrace/example-train-lm'
import OpenAI, { APIError } from 'openai'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { type ServedModel, serveModel } from './serveModel.ts'

let model: Model
let server: ServedModel
let client: OpenAI
beforeAll(async () => {
  await useWasm()
  const text = await readFile(fileURLToPath(new URL('../../../LICENSE', import.meta.url)), 'utf8')
  const documents = [{ path: 'LICENSE', text }]
  const shape = { width: 32, heads: 2 }
  model = train({ documents, steps: 8, seed: 1, vocabulary: 200, pieces: 2, piece: 32, shape }).model
  server = await serveModel(model, { name: 'tiny', context: 512, atOnce: 4 })
  client = new OpenAI({ baseURL: server.url, apiKey: 'none', maxRetries: 0 })
})
afterAll(() => server?.close())

const tokensOf = (text: string) => encode(model.tokenizer, text).length
const ask = { model: 'tiny', prompt: 'The licence', max_tokens: 12, seed: 7 } as const
const messages = [{ role: 'user' as const, content: 'What is a work?' }]

describe('the official client', () => {
  test('lists and finds the model', async () => {
    const { data } = await client.models.list()
    expect(data).toMatchObject([{ id: 'tiny', object: 'model', owned_by: 'millrace' }])
    expect(await client.models.retrieve('tiny')).toMatchObject({ id: 'tiny' })
  })

  test('completes a prompt, the same one with the same seed, and counts its tokens', async () => {
    const first = await client.completions.create(ask)
    expect(first).toMatchObject({
      object: 'text_completion',
      model: 'tiny',
      choices: [{ index: 0, finish_reason: 'length' }],
      usage: {
        prompt_tokens: tokensOf('The licence'),
        completion_tokens: 12,
        total_tokens: tokensOf('The licence') + 12,
      },
    })
    const again = await client.completions.create(ask)
    expect(again.choices[0]?.text).toBe(first.choices[0]?.text)
    const other = await client.completions.create({ ...ask, seed: 8 })
    expect(other.choices[0]?.text).not.toBe(first.choices[0]?.text)
    const byIds = await client.completions.create({
      ...ask,
      prompt: [...encode(model.tokenizer, 'The licence')],
    })
    expect(byIds.choices[0]?.text).toBe(first.choices[0]?.text)
  })

  test('streams what it would answer at once, and the usage last', async () => {
    const whole = await client.completions.create(ask)
    const stream = await client.completions.create({
      ...ask,
      stream: true,
      stream_options: { include_usage: true },
    })
    let text = ''
    let usage: unknown
    for await (const chunk of stream) {
      text += chunk.choices[0]?.text ?? ''
      if (chunk.choices.length === 0) usage = chunk.usage
      else expect(chunk.usage).toBeNull()
    }
    expect(text).toBe(whole.choices[0]?.text)
    expect(usage).toEqual(whole.usage)
  })

  test('chats by a plain template, streamed or not', async () => {
    const options = { model: 'tiny', messages, seed: 3, max_completion_tokens: 10 }
    const answer = await client.chat.completions.create(options)
    expect(answer.usage?.prompt_tokens).toBe(tokensOf('user: What is a work?\nassistant:'))
    const parts = await client.chat.completions.create({
      ...options,
      messages: [{ role: 'user', content: [{ type: 'text', text: 'What is a work?' }] }],
    })
    expect(parts.choices[0]?.message).toEqual(answer.choices[0]?.message)
    const stream = client.chat.completions.stream(options)
    const final = await stream.finalChatCompletion()
    expect(final.choices[0]?.message.content).toBe(answer.choices[0]?.message.content)
  })

  test('ends before a stop, though the stop came in pieces', async () => {
    const long = { ...ask, max_tokens: 60 }
    const { choices } = await client.completions.create(long)
    const text = choices[0]?.text ?? ''
    const stop = text.slice(20, 25)
    const at = text.indexOf(stop)
    const stopped = await client.completions.create({ ...long, stop: ['never seen here', stop] })
    expect(stopped.choices[0]).toMatchObject({ text: text.slice(0, at), finish_reason: 'stop' })
    expect(stopped.usage?.completion_tokens).toBeLessThan(60)
    let streamed = ''
    for await (const chunk of await client.completions.create({ ...long, stop, stream: true })) {
      streamed += chunk.choices[0]?.text ?? ''
    }
    expect(streamed).toBe(text.slice(0, at))
  })

  test('embeds texts: length 1, near itself, far from others', async () => {
    const input = ['a licensed work', 'a licensed work', 'WARRANTY 12345']
    const { data, usage } = await client.embeddings.create({ model: 'tiny', input })
    const [a, b, c] = data.map(({ embedding }) => embedding)
    expect(a).toHaveLength(32)
    expect(Math.hypot(...(a ?? []))).toBeCloseTo(1, 5)
    expect(b).toEqual(a)
    const dot = (x: number[] = [], y: number[] = []) => x.reduce((sum, v, i) => sum + v * (y[i] ?? 0), 0)
    expect(dot(a, c)).toBeLessThan(dot(a, b))
    expect(usage.prompt_tokens).toBe(input.reduce((sum, text) => sum + tokensOf(text), 0))
    const plain = await client.embeddings.create({
      model: 'tiny',
      input: input[0] ?? '',
      encoding_format: 'float',
    })
    // The client asks for base64 by itself; both forms are the same numbers.
    expect(plain.data[0]?.embedding.map(Math.fround)).toEqual(a)
  })
})

describe('a client that leaves', () => {
  test('ends the work for it', async () => {
    const gone = new AbortController()
    const options = { ...ask, max_tokens: 500, stream: true } as const
    const stream = await client.completions.create(options, { signal: gone.signal })
    for await (const _ of stream) break
    gone.abort()
    await vi.waitFor(() => expect(server.busy()).toBe(0), { timeout: 20_000 })
  })
})

describe('bad input', () => {
  const post = (path: string, body: unknown) =>
    fetch(`${server.url}${path}`, {
      method: 'POST',
      body: typeof body === 'string' ? body : JSON.stringify(body),
    })
  const chat = { model: 'tiny', messages }
  const cases: [
    name: string,
    path: string,
    body: unknown,
    status: number,
    code: string,
    param: string | null,
  ][] = [
    ['no JSON', '/completions', '{', 400, 'invalid_json', null],
    ['no object', '/completions', [], 400, 'invalid_value', 'body'],
    ['no model', '/completions', { prompt: 'a' }, 400, 'invalid_value', 'model'],
    ['another model', '/chat/completions', { ...chat, model: 'gpt' }, 404, 'model_not_found', 'model'],
    ['no messages', '/chat/completions', { model: 'tiny', messages: [] }, 400, 'invalid_value', 'messages'],
    ['a strange field', '/completions', { ...ask, logprob: 1 }, 400, 'unknown_parameter', 'logprob'],
    ['several answers', '/completions', { ...ask, n: 2 }, 400, 'invalid_value', 'n'],
    ['too hot', '/completions', { ...ask, temperature: 3 }, 400, 'invalid_value', 'temperature'],
    ['a negative length', '/completions', { ...ask, max_tokens: -1 }, 400, 'invalid_value', 'max_tokens'],
    ['a token that is none', '/completions', { ...ask, prompt: [9999] }, 400, 'invalid_value', 'prompt'],
    ['too long', '/completions', { ...ask, max_tokens: 512 }, 400, 'context_length_exceeded', 'prompt'],
    ['an empty text', '/embeddings', { model: 'tiny', input: '' }, 400, 'invalid_value', 'input'],
    [
      'a long text',
      '/embeddings',
      { model: 'tiny', input: 'a '.repeat(2000) },
      400,
      'context_length_exceeded',
      'input',
    ],
    ['a huge body', '/completions', { ...ask, prompt: 'a'.repeat(1 << 20) }, 413, 'request_too_large', null],
    ['a strange path', '/images', {}, 404, 'unknown_url', null],
    ['a wrong method', '/models', {}, 405, 'method_not_supported', null],
  ]
  test.each(cases)('%s', async (_, path, body, status, code, param) => {
    const response = await post(path, body)
    expect(response.status).toBe(status)
    const { error } = (await response.json()) as { error: unknown }
    expect(error).toMatchObject({ type: 'invalid_request_error', code, param, message: expect.any(String) })
  })

  test('the official client reads it as its own error', async () => {
    const error = await client.completions.create({ ...ask, n: 2 }).catch((thrown) => thrown)
    expect(error).toBeInstanceOf(APIError)
    expect(error).toMatchObject({ status: 400, code: 'invalid_value', param: 'n' })
  })

  test('more at once than allowed', async () => {
    const held = Array.from({ length: 4 }, () => {
      const pending = request(`${server.url}/completions`, { method: 'POST' })
      pending.on('error', () => {})
      pending.flushHeaders()
      return pending
    })
    await vi.waitFor(() => expect(server.busy()).toBe(4), { timeout: 20_000 })
    const response = await fetch(`${server.url}/models`)
    expect(response.status).toBe(429)
    expect(await response.json()).toMatchObject({ error: { code: 'rate_limit_exceeded' } })
    for (const pending of held) pending.destroy()
    await vi.waitFor(() => expect(server.busy()).toBe(0), { timeout: 20_000 })
  })
})
