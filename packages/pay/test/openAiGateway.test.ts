import { mkdtemp, rm } from 'node:fs/promises'
import type { ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { accountAt, prepaidFetch, prepaidScheme, startLocalChain } from '@millrace/example-paid-completion'
import { approveCurrency, confirm, depositToTill, transferInTill } from '@millrace/sdk'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import {
  type Charge,
  costUp,
  type OpenAiGatewayOptions,
  openAiGateway,
  serveFetch,
} from '../src/openai/index.ts'
import { type Asked, beginStream, event, sendCompletion, startUpstream } from './startUpstream.ts'

const seller = accountAt(1)
const buyer = accountAt(2)
const price = { perRequest: 5n, perMillionInput: 1_000_000n, perMillionOutput: 3_000_000n }
const model = { id: 'sold', upstreamId: 'inner', price, maxInput: 1000, maxOutput: 100 }
const flat = {
  ...model,
  id: 'flat',
  price: { perRequest: 40n, perMillionInput: 0n, perMillionOutput: 0n },
}
const ask = { model: 'sold', prompt: 'one two three', max_tokens: 20 }

let chain: Awaited<ReturnType<typeof startLocalChain>>
let folder: string
let scheme: Awaited<ReturnType<typeof prepaidScheme>>
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-openai-'))
  chain = await startLocalChain()
  const { deployment, currency, walletOf } = chain
  const wallet = walletOf(2)
  const terms = { deployment, currency: currency.address, amount: 1_000_000n }
  await confirm(wallet, await approveCurrency(wallet, terms))
  await confirm(wallet, await depositToTill(wallet, terms))
  await confirm(wallet, await transferInTill(wallet, { ...terms, to: seller.address }))
})
afterAll(async () => {
  await chain?.stop()
  await rm(folder, { recursive: true, maxRetries: 40, retryDelay: 50 })
})

let answer: (asked: Asked, response: ServerResponse) => Promise<void>
let upstream: Awaited<ReturnType<typeof startUpstream>>
let gateway: Awaited<ReturnType<typeof serveFetch>>
let charges: Charge[]
let runs = 0
const pay = prepaidFetch(buyer)

async function serve(
  options: Partial<OpenAiGatewayOptions> & { silenceMs?: number; maxBytes?: number } = {},
) {
  const { silenceMs = 60_000, maxBytes = 1 << 20, ...rest } = options
  gateway = await serveFetch(
    openAiGateway({
      upstream: {
        url: upstream.url,
        headers: { authorization: 'Bearer of-the-seller' },
        silenceMs,
        maxBytes,
      },
      models: [model, flat],
      schemes: [scheme],
      onCharge: (charge) => charges.push(charge),
      ...rest,
    }),
  )
}
beforeEach(async () => {
  charges = []
  answer = async (_, response) =>
    sendCompletion(response, 'four five', { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 })
  upstream = await startUpstream((asked, response) => answer(asked, response))
  const { client, deployment, currency } = chain
  const file = join(folder, `charged-${runs++}`)
  scheme = await prepaidScheme({
    client,
    deployment,
    currency: currency.address,
    seller: seller.address,
    file,
  })
  await serve()
})
afterEach(async () => {
  await gateway.close()
  await upstream.close()
})

const post = (
  body: object | string,
  options: { headers?: Record<string, string>; path?: string; signal?: AbortSignal; by?: typeof fetch } = {},
) =>
  (options.by ?? pay)(`${gateway.url}/v1/${options.path ?? 'completions'}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...options.headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  })
const codeOf = async (response: Response) =>
  ((await response.json()) as { error: { code: string } }).error.code
const receiptOf = (header: string | null) =>
  header === null ? null : JSON.parse(Buffer.from(header, 'base64').toString())
const charged = () => scheme.charged(buyer.address)
/** The events of a streamed answer, and the receipt in its comment. */
async function readStream(response: Response) {
  const text = await response.text()
  const data = [...text.matchAll(/^data: (.*)$/gm)].map(([, line]) => line ?? '')
  const receipt = /^: payment-response (.*)$/m.exec(text)?.[1] ?? null
  const events = data.filter((line) => line !== '[DONE]').map((line) => JSON.parse(line))
  return { events, done: data.at(-1) === '[DONE]', receipt: receiptOf(receipt) }
}
const streamOf =
  (pieces: readonly string[], end = 'data: [DONE]\n\n') =>
  async (_: Asked, response: ServerResponse) => {
    beginStream(response)
    for (const piece of pieces) response.write(event(piece))
    response.end(end)
  }

describe('default', () => {
  test('what the upstream counted is charged, the rest of what was held is let go', async () => {
    const response = await post(ask)
    expect(response.status).toBe(200)
    const cost = costUp(price, { input: 3, output: 2 })
    expect(cost).toBe(14n)
    expect(receiptOf(response.headers.get('payment-response'))).toMatchObject({ success: true, amount: '14' })
    expect(await response.json()).toMatchObject({ model: 'sold', choices: [{ text: 'four five' }] })
    expect(charged()).toBe(14n)
    expect(scheme.held()).toBe(0n)
    expect(charges).toMatchObject([
      {
        model: 'sold',
        route: 'completions',
        payer: buyer.address,
        input: 3,
        output: 2,
        charged: 14n,
        by: 'upstream',
        outcome: 'complete',
      },
    ])
  })

  test('an unpaid call is told its highest cost', async () => {
    const response = await post(ask, { by: fetch })
    expect(response.status).toBe(402)
    const required = receiptOf(response.headers.get('payment-required'))
    const bytes = JSON.stringify(ask).length
    expect(required.accepts[0].amount).toBe(String(costUp(price, { input: bytes, output: 20 })))
    expect(upstream.asked).toHaveLength(0)
  })

  test('a stream passes on piece by piece before the upstream is done', async () => {
    let finish: () => void = () => {}
    answer = async (_, response) => {
      beginStream(response)
      response.write(event('four '))
      await new Promise<void>((done) => {
        finish = done
      })
      response.write(event('five'))
      response.write(
        `data: ${JSON.stringify({ choices: [], usage: { prompt_tokens: 3, completion_tokens: 2 } })}\n\n`,
      )
      response.end('data: [DONE]\n\n')
    }
    const response = await post({ ...ask, stream: true })
    expect(response.headers.get('content-type')).toBe('text/event-stream')
    expect(response.headers.get('set-cookie')).toBeNull()
    const reader = response.body?.getReader()
    const first = await reader?.read()
    expect(new TextDecoder().decode(first?.value)).toContain('four ')
    expect(charged()).toBe(0n)
    finish()
    let rest = ''
    for (;;) {
      const next = await reader?.read()
      if (next?.done !== false) break
      rest += new TextDecoder().decode(next.value)
    }
    // The buyer did not ask for the usage, so its event is not passed on.
    expect(rest).not.toContain('usage')
    expect(rest).toMatch(/five.*\n\n: payment-response \S+\n\ndata: \[DONE\]\n\n$/)
    expect(charged()).toBe(14n)
  })

  test('the connection to the upstream outlives a stream whose answer ends after its mark', async () => {
    answer = async (_, response) => {
      beginStream(response)
      response.write(event('four '))
      response.write('data: [DONE]\n\n')
      await sleep(20)
      response.end(': that was all\n\n')
    }
    for (let call = 0; call < 3; call++) {
      expect((await readStream(await post({ ...ask, stream: true }))).done).toBe(true)
      await sleep(60)
    }
    expect(upstream.connections()).toBe(1)
    expect(upstream.left()).toBe(0)
  })

  test('a model that costs nothing needs no payment', async () => {
    const nothing = { perRequest: 0n, perMillionInput: 0n, perMillionOutput: 0n }
    await gateway.close()
    await serve({ models: [{ ...model, price: nothing }] })
    const response = await post(ask, { by: fetch })
    expect([response.status, response.headers.get('payment-response')]).toEqual([200, null])
    expect(charges).toMatchObject([{ charged: 0n, cost: 0n, outcome: 'complete' }])
  })

  test('models are listed with their prices, and only those that are sold', async () => {
    const list = await (await fetch(`${gateway.url}/v1/models`)).json()
    expect(list.data).toMatchObject([
      { id: 'sold', object: 'model', pricing: { per_request: '5', per_million_output_tokens: '3000000' } },
      { id: 'flat' },
    ])
    expect(await (await fetch(`${gateway.url}/v1/models/flat`)).json()).toMatchObject({ id: 'flat' })
    expect(await codeOf(await fetch(`${gateway.url}/v1/models/inner`))).toBe('model_not_found')
  })
})

describe('behavior: what is passed on', () => {
  test("the seller's key, and nothing of the buyer's but the call", async () => {
    await post(ask, {
      headers: { authorization: 'Bearer of-the-buyer', cookie: 'a=b', 'x-forwarded-for': '1.2.3.4' },
    })
    const [asked] = upstream.asked
    expect(asked?.body).toEqual({ ...ask, model: 'inner' })
    expect(Object.keys(asked?.headers ?? {}).sort()).toEqual(
      expect.arrayContaining(['accept', 'authorization', 'content-type', 'host']),
    )
    expect(asked?.headers.authorization).toBe('Bearer of-the-seller')
    for (const name of ['payment-signature', 'cookie', 'x-forwarded-for', 'idempotency-key']) {
      expect(asked?.headers[name]).toBeUndefined()
    }
  })

  test('the limit that the price rests on is always named, and the usage always asked for', async () => {
    answer = streamOf(['a'])
    await readStream(await post({ model: 'sold', prompt: 'x', stream: true }))
    expect(upstream.asked[0]?.body).toEqual({
      model: 'inner',
      prompt: 'x',
      stream: true,
      max_tokens: 100,
      stream_options: { include_usage: true },
    })
  })
})

describe('behavior: what is charged', () => {
  const usageCases: [string, object | undefined, bigint, Charge['by']][] = [
    ['none', undefined, costUp(price, { input: 4, output: 3 }), 'gateway'],
    ['more than the limit', { prompt_tokens: 3, completion_tokens: 21 }, 18n, 'gateway'],
    ['more input than bytes', { prompt_tokens: 900, completion_tokens: 2 }, 18n, 'gateway'],
    ['a fraction', { prompt_tokens: 1.5, completion_tokens: 2 }, 18n, 'gateway'],
    ['a negative number', { prompt_tokens: 3, completion_tokens: -2 }, 18n, 'gateway'],
    ['text', { prompt_tokens: 'free' }, 18n, 'gateway'],
    ['less than we count', { prompt_tokens: 1, completion_tokens: 1 }, 9n, 'upstream'],
  ]
  test.each(usageCases)('usage: %s', async (_, usage, cost, by) => {
    answer = async (_, response) => sendCompletion(response, 'four five', usage)
    expect((await post(ask)).status).toBe(200)
    expect(charged()).toBe(cost)
    expect(charges[0]?.by).toBe(by)
  })

  test('a stream that is cut: what came, with an error as the last event', async () => {
    answer = streamOf(['four', 'five'], '')
    const { events, done, receipt } = await readStream(await post({ ...ask, stream: true }))
    expect(events.map((event) => event.choices?.[0].text ?? event.error.code)).toEqual([
      'four',
      'five',
      'upstream_cut',
    ])
    expect(done).toBe(false)
    const cost = costUp(price, { input: 4, output: 2 })
    expect(receipt).toMatchObject({ amount: String(cost) })
    expect(charged()).toBe(cost)
    expect(charges[0]?.outcome).toBe('failed')
  })

  test.each([
    ['stays', async () => undefined],
    [
      'goes on',
      async (response: ServerResponse) => {
        for (let sent = 0; sent < 64 && !response.destroyed; sent++) {
          response.write(`: ${'x'.repeat(8192)}\n`)
          await sleep(1)
        }
      },
    ],
  ])('an upstream that %s after its mark holds nobody up, and is left', async (_, more) => {
    answer = async (_, response) => {
      beginStream(response)
      response.write(event('four '))
      response.write('data: [DONE]\n\n')
      await more(response)
    }
    const { done, receipt } = await readStream(await post({ ...ask, stream: true }))
    expect([done, receipt?.success]).toEqual([true, true])
    await vi.waitFor(() => expect(upstream.left()).toBe(1), { timeout: 20_000 })
  })

  test('an upstream that goes on past its limit is stopped, and costs no more than quoted', async () => {
    answer = async (_, response) => {
      beginStream(response)
      while (!response.destroyed) {
        response.write(event('a very long piece of text that no single token can hold'))
        await new Promise((done) => setImmediate(done))
      }
    }
    const { events, done } = await readStream(await post({ ...ask, stream: true }))
    expect(events.at(-1)?.choices[0]).toMatchObject({ text: '', finish_reason: 'length' })
    expect(events.length).toBeLessThan(30)
    expect(done).toBe(true)
    expect(charges[0]?.output).toBe(20)
    await vi.waitFor(() => expect(upstream.left()).toBe(1), { timeout: 20_000 })
  })

  /** An upstream whose events all come by one piece. */
  const inOnePiece = (events: string) => async (_: Asked, response: ServerResponse) => {
    beginStream(response)
    response.end(`${events}data: [DONE]\n\n`)
  }

  test.each([
    ['come one by one', () => streamOf(Array.from({ length: 20 }, () => 'abc'))],
    ['come together', () => inOnePiece(event('abc').repeat(20))],
  ])('when the money stops, the stream does, where its events %s', async (_, answering) => {
    answer = answering()
    const part = prepaidFetch(buyer, () => costUp(price, { input: 4, output: 6 }))
    const { events, done } = await readStream(await post({ ...ask, stream: true }, { by: part }))
    expect(events).toHaveLength(7)
    expect(events.at(-1)?.error).toMatchObject({ code: 'payment_exhausted', type: 'payment_required' })
    expect(done).toBe(false)
    expect(charged()).toBe(costUp(price, { input: 4, output: 6 }))
    await vi.waitFor(() => expect(scheme.held()).toBe(0n), { timeout: 20_000 })
  })

  test('what came together with a failure is passed on and paid', async () => {
    answer = inOnePiece(`${event('four')}${event('five')}data: {"error":{"message":"broken"}}\n\n`)
    const { events, done } = await readStream(await post({ ...ask, stream: true }))
    expect(events.map(({ choices }) => choices?.[0].text)).toEqual(['four', 'five', undefined])
    expect([done, events.at(-1)?.error.code]).toEqual([false, 'upstream_cut'])
    expect(charged()).toBe(costUp(price, { input: 4, output: 2 }))
  })

  test('when more money is promised on the way, the stream goes on until that is used up too', async () => {
    const { client, deployment, currency } = chain
    const beyond = costUp({ ...price, perRequest: 0n }, { input: 0, output: 5 })
    const file = join(folder, `charged-${runs++}`)
    const options = { client, deployment, currency: currency.address, seller: seller.address, file, beyond }
    scheme = await prepaidScheme(options)
    await gateway.close()
    await serve()
    const signed = (output: number) => () => costUp(price, { input: 4, output })
    answer = streamOf(Array.from({ length: 11 }, () => 'abc'))
    const part = prepaidFetch(buyer, (quote) => quote - beyond)
    const whole = await readStream(await post({ ...ask, stream: true, max_tokens: 11 }, { by: part }))
    expect([whole.done, whole.events.length]).toEqual([true, 11])
    expect(charged()).toBe(costUp(price, { input: 4, output: 11 }))
    const short = await readStream(
      await post({ ...ask, stream: true }, { by: prepaidFetch(buyer, signed(6)) }),
    )
    expect([short.done, short.events.at(-1)?.error.code]).toEqual([false, 'payment_exhausted'])
    expect(scheme.held()).toBe(0n)
  })

  test('a buyer that leaves ends the upstream and pays for what it was sent', async () => {
    answer = async (_, response) => {
      beginStream(response)
      response.write(event('four'))
      response.write(event('five'))
    }
    const left = new AbortController()
    const response = await post({ ...ask, stream: true }, { signal: left.signal })
    const reader = response.body?.getReader()
    let seen = ''
    while (!seen.includes('five')) seen += new TextDecoder().decode((await reader?.read())?.value)
    left.abort()
    await vi.waitFor(() => expect(charges[0]?.outcome).toBe('left'), { timeout: 20_000 })
    expect(charged()).toBe(costUp(price, { input: 4, output: 2 }))
    await vi.waitFor(() => expect(upstream.left()).toBe(1), { timeout: 20_000 })
    expect(scheme.held()).toBe(0n)
  })

  test('a buyer that leaves before anything came pays nothing', async () => {
    answer = async () => {}
    const left = new AbortController()
    const pending = post(ask, { signal: left.signal })
    await vi.waitFor(() => expect(upstream.asked).toHaveLength(1), { timeout: 20_000 })
    expect(scheme.held()).toBeGreaterThan(0n)
    left.abort()
    await expect(pending).rejects.toThrow()
    await vi.waitFor(() => expect(scheme.held()).toBe(0n), { timeout: 20_000 })
    expect(charged()).toBe(0n)
    expect(upstream.left()).toBe(1)
  })

  test('a price that depends on nothing is charged when the answer begins, with its receipt as a header', async () => {
    answer = streamOf(['four'])
    const response = await post({ ...ask, model: 'flat', stream: true })
    expect(receiptOf(response.headers.get('payment-response'))).toMatchObject({ amount: '40' })
    expect((await readStream(response)).receipt).toBeNull()
    expect(charged()).toBe(40n)
  })
})

describe('behavior: a repetition with the same key', () => {
  const headers = { 'idempotency-key': 'k-1' }
  test('gets the same answer and pays nothing, streamed or not', async () => {
    const first = await post(ask, { headers })
    const again = await post(ask, { headers, by: fetch })
    expect(again.status).toBe(200)
    expect(again.headers.get('payment-response')).toBe(first.headers.get('payment-response'))
    expect(await again.text()).toBe(await first.text())
    answer = streamOf(['four'])
    const streamed = await post({ ...ask, stream: true }, { headers })
    const text = await streamed.text()
    expect(await (await post({ ...ask, stream: true }, { headers, by: fetch })).text()).toBe(text)
    expect(upstream.asked).toHaveLength(2)
    expect(charges).toHaveLength(2)
  })

  test('of another request is another call', async () => {
    await post(ask, { headers })
    await post({ ...ask, prompt: 'another' }, { headers })
    expect(upstream.asked).toHaveLength(2)
  })

  test('is refused while the first is being answered, and pays only the rest after a cut', async () => {
    answer = streamOf(['four', 'five'], '')
    await readStream(await post({ ...ask, stream: true }, { headers }))
    const partly = charged()
    expect(partly).toBe(costUp(price, { input: 4, output: 2 }))
    let finish: () => void = () => {}
    answer = async (asked, response) => {
      await new Promise<void>((done) => {
        finish = done
      })
      await streamOf(['four', 'five', 'six'])(asked, response)
    }
    const pending = post({ ...ask, stream: true }, { headers })
    await vi.waitFor(() => expect(upstream.asked).toHaveLength(2), { timeout: 20_000 })
    const busy = await post({ ...ask, stream: true }, { headers })
    expect([busy.status, await codeOf(busy)]).toEqual([409, 'idempotent_call_in_flight'])
    finish()
    await readStream(await pending)
    expect(charged()).toBe(costUp(price, { input: 4, output: 3 }))
  })

  test('is a new call after an answer that failed', async () => {
    const good = answer
    answer = async (_, response) => void response.writeHead(503).end()
    expect((await post(ask, { headers })).status).toBe(502)
    answer = good
    expect((await post(ask, { headers })).status).toBe(200)
  })
})

describe('error: of the upstream; nothing is charged', () => {
  const failures: [string, typeof answer, number, string][] = [
    [
      'refuses the request',
      async (_, r) =>
        void r
          .writeHead(400, { 'content-type': 'application/json' })
          .end('{"error":{"message":"bad temperature","param":"temperature"}}'),
      400,
      'upstream_refused',
    ],
    [
      'refuses the seller',
      async (_, r) => void r.writeHead(401).end('{"error":{"message":"key sk-1 is wrong"}}'),
      502,
      'upstream_refused',
    ],
    ['is busy', async (_, r) => void r.writeHead(429).end(), 429, 'upstream_refused'],
    ['breaks the connection', async (_, r) => void r.destroy(), 502, 'upstream_unreachable'],
    [
      'cuts its answer',
      async (_, r) =>
        void r
          .writeHead(200, { 'content-type': 'application/json', 'content-length': '100' })
          .write('{', () => r.destroy()),
      502,
      'upstream_cut',
    ],
    [
      'answers no JSON',
      async (_, r) => void r.writeHead(200, { 'content-type': 'application/json' }).end('{'),
      502,
      'upstream_answer_invalid',
    ],
    [
      'answers another form',
      async (_, r) => void r.writeHead(200, { 'content-type': 'application/json' }).end('{"choices":1}'),
      502,
      'upstream_answer_invalid',
    ],
    [
      'answers a page',
      async (_, r) => void r.writeHead(200, { 'content-type': 'text/html' }).end('hello'),
      502,
      'upstream_answer_invalid',
    ],
    [
      'sends too much',
      async (_, r) => sendCompletion(r, 'x'.repeat(2 << 20)),
      502,
      'upstream_answer_invalid',
    ],
    [
      'redirects',
      async (_, r) => void r.writeHead(307, { location: 'http://127.0.0.1:1/' }).end(),
      502,
      'upstream_refused',
    ],
  ]
  test.each(failures)('%s', async (_, failing, status, code) => {
    answer = failing
    const response = await post(ask)
    const text = await response.text()
    expect([response.status, JSON.parse(text).error.code]).toEqual([status, code])
    expect(text).not.toContain('sk-1')
    expect(charged()).toBe(0n)
    expect(scheme.held()).toBe(0n)
  })

  test('says nothing for too long, before or within its answer', async () => {
    await gateway.close()
    await serve({ silenceMs: 50 })
    answer = async () => {}
    const response = await post(ask)
    expect([response.status, await codeOf(response)]).toEqual([504, 'upstream_timeout'])
    expect(charged()).toBe(0n)
    answer = async (_, response) => {
      beginStream(response)
      response.write(event('four'))
    }
    const { events } = await readStream(await post({ ...ask, stream: true }))
    expect(events.at(-1)?.error.code).toBe('upstream_timeout')
    expect(charged()).toBe(costUp(price, { input: 4, output: 1 }))
  })

  test('a stream that fails before its first event is an answer with an error status', async () => {
    answer = async (_, response) => {
      beginStream(response)
      response.end(`data: {"error":{"message":"overloaded"}}\n\n`)
    }
    const response = await post({ ...ask, stream: true })
    expect([response.status, await codeOf(response)]).toEqual([502, 'upstream_cut'])
    expect(scheme.held()).toBe(0n)
  })
})

describe('error: of the payment', () => {
  const header = (value: unknown) => ({
    'payment-signature': Buffer.from(JSON.stringify(value)).toString('base64'),
  })
  const accepted = async () => {
    const response = await post(ask, { by: fetch })
    return receiptOf(response.headers.get('payment-required')).accepts[0]
  }
  test('a payment that is none, of other terms, or refused by its scheme serves nothing', async () => {
    const offered = await accepted()
    const payload = {
      from: buyer.address,
      amount: offered.amount,
      nonce: 'n',
      signature: `0x${'11'.repeat(65)}`,
    }
    const cases: [Record<string, string>, string, number?][] = [
      [{ 'payment-signature': '!' }, 'header_not_base64', 400],
      [header({ x402Version: 2 }), 'header_fields_invalid', 400],
      [{ 'x-payment': '!' }, 'header_not_base64', 400],
      [
        header({ x402Version: 2, accepted: { ...offered, amount: '1' }, payload }),
        'no_matching_requirements',
      ],
      [
        header({ x402Version: 2, accepted: { ...offered, payTo: buyer.address }, payload }),
        'no_matching_requirements',
      ],
      [header({ x402Version: 2, accepted: offered, payload }), 'signature_invalid'],
    ]
    for (const [headers, code, status = 402] of cases) {
      const response = await post(ask, { headers, by: fetch })
      expect([response.status, await codeOf(response)]).toEqual([status, code])
    }
    expect(upstream.asked).toHaveLength(0)
  })

  test('a payment for one request does not pay for another', async () => {
    let sent: Headers | undefined
    const spy: typeof fetch = (input, init) => {
      sent = new Headers(init?.headers)
      return fetch(input, init)
    }
    await prepaidFetch(
      buyer,
      (amount) => amount,
      spy,
    )(`${gateway.url}/v1/completions`, { method: 'POST', body: JSON.stringify(ask) })
    const headers = { 'payment-signature': sent?.get('payment-signature') ?? '' }
    const replayed = await post(ask, { headers, by: fetch })
    expect(await codeOf(replayed)).toBe('payment_replayed')
    const other = await post({ ...ask, prompt: 'one two threx' }, { headers, by: fetch })
    expect(await codeOf(other)).toBe('signature_invalid')
  })
})

describe('error: of the request', () => {
  const chat = { model: 'sold', messages: [{ role: 'user', content: 'a' }] }
  const image = [
    { role: 'user', content: [{ type: 'image_url', image_url: { url: 'https://a.example/b.png' } }] },
  ]
  const cases: [string, string, unknown, number, string, string | null][] = [
    ['no JSON', 'completions', '{', 400, 'invalid_json', null],
    ['no object', 'completions', '[]', 400, 'invalid_json', null],
    ['no UTF-8', 'completions', '\ud800', 400, 'invalid_json', null],
    ['no model', 'completions', { prompt: 'a' }, 400, 'invalid_value', 'model'],
    ['a model that is not sold', 'completions', { ...ask, model: 'inner' }, 404, 'model_not_found', 'model'],
    [
      'too many tokens',
      'completions',
      { ...ask, max_tokens: 101 },
      400,
      'max_tokens_too_large',
      'max_tokens',
    ],
    [
      'too many tokens of a chat',
      'chat/completions',
      { ...chat, max_completion_tokens: 101 },
      400,
      'max_tokens_too_large',
      'max_completion_tokens',
    ],
    [
      'a field without a price',
      'completions',
      { ...ask, web_search: true },
      400,
      'unknown_parameter',
      'web_search',
    ],
    ['more answers made than given', 'completions', { ...ask, best_of: 4 }, 400, 'invalid_value', 'best_of'],
    [
      'a picture',
      'chat/completions',
      { ...chat, messages: image },
      400,
      'invalid_value',
      'messages.0.content',
    ],
    ['no messages', 'chat/completions', { model: 'sold' }, 400, 'invalid_value', 'messages'],
    ['no input', 'embeddings', { model: 'sold' }, 400, 'invalid_value', 'input'],
    ['a huge body', 'completions', { ...ask, prompt: 'a'.repeat(1 << 20) }, 413, 'request_too_large', null],
    ['a strange path', 'images', {}, 404, 'unknown_url', null],
    ['a wrong method', 'models', {}, 405, 'method_not_supported', null],
  ]
  test.each(cases)('%s', async (_, path, body, status, code, param) => {
    const response = await post(body as object, { path, by: fetch })
    const { error } = (await response.json()) as { error: Record<string, unknown> }
    expect([response.status, error.code, error.param]).toEqual([status, code, param])
    expect(upstream.asked).toHaveLength(0)
  })
})
