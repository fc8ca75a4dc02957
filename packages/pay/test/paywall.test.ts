import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Hex } from 'viem'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { signExact } from '../src/exact/signExact.ts'
import { tokenAbi } from '../src/exact/tokenAbi.ts'
import { facilitatorHandler } from '../src/facilitator/facilitatorHandler.ts'
import { memoryJournal } from '../src/facilitator/journal.ts'
import { type Facilitator, openFacilitator } from '../src/facilitator/openFacilitator.ts'
import { decodeCallReceipt, verifyCallReceipt } from '../src/seller/callReceipt.ts'
import { createPaywall } from '../src/seller/createPaywall.ts'
import { digestRequest } from '../src/seller/digestRequest.ts'
import { CallReceiptInvalidError } from '../src/seller/errors.ts'
import { exactScheme } from '../src/seller/exactScheme.ts'
import { httpFacilitator } from '../src/seller/httpFacilitator.ts'
import { mppNonce } from '../src/seller/mppCharge.ts'
import type { PaidHandler, PaidRoute, PaywallOptions } from '../src/seller/paywall.ts'
import { priceRoute } from '../src/seller/priceRoute.ts'
import { decodePaymentRequired, decodeSettleResponse, encodePaymentPayload } from '../src/wire/headers.ts'
import { decodeChallenge, decodePaymentReceipt, encodeCredential } from '../src/wire/mpp.ts'
import type { PaymentPayload } from '../src/wire/x402.ts'
import { encodeV1Payload } from '../src/wire/x402v1.ts'
import { accountAt, type LocalChain, startLocalChain } from './localChain.ts'

let chain: LocalChain
let facilitator: Facilitator
beforeAll(async () => {
  chain = await startLocalChain(84532)
  facilitator = await openHere()
})
afterAll(async () => {
  await facilitator?.close()
  await chain?.stop()
})

const now = () => Math.floor(Date.now() / 1000)
const seller = accountAt(9)
const url = 'http://shop.example/weather?city=Oslo'
const secret = new Uint8Array(32).fill(3)
let relayer = 5
const openHere = (timeoutMs = 20_000) =>
  openFacilitator({
    chains: [
      { network: chain.requirements.network, client: chain.client, relayer: accountAt(relayer++), timeoutMs },
    ],
    journal: memoryJournal(),
  })

function shop(
  handler: PaidHandler = () => new Response('sunny'),
  options: Partial<PaywallOptions> & {
    readonly route?: Partial<PaidRoute>
    readonly facilitator?: Pick<Facilitator, 'verify' | 'settle'>
  } = {},
) {
  const { route, facilitator: own = facilitator, ...rest } = options
  const { network, asset, payTo } = chain.requirements
  const currency = {
    network,
    asset: asset as Hex,
    payTo: payTo as Hex,
    name: 'Test Dollar',
    version: '1',
  }
  const paywall = createPaywall({
    schemes: [exactScheme({ currencies: [currency], facilitator: own })],
    receipts: seller,
    mpp: { secret, realm: 'shop.example' },
    ...rest,
  })
  return priceRoute(paywall, { price: { amount: 1000n }, ...route }, handler)
}

const sign = (index = 1) => signExact(accountAt(index), { requirements: chain.requirements, now: now() })
const paidWith = (payment: PaymentPayload, init: RequestInit & { url?: string } = {}) =>
  new Request(init.url ?? url, {
    ...init,
    headers: { 'PAYMENT-SIGNATURE': encodePaymentPayload(payment), ...init.headers },
  })
async function spent(payment: PaymentPayload): Promise<number> {
  const { from, nonce } = payment.payload.authorization as { from: Hex; nonce: Hex }
  const events = await chain.client.getContractEvents({
    address: chain.token,
    abi: tokenAbi,
    eventName: 'AuthorizationUsed',
    args: { authorizer: from, nonce },
    fromBlock: 0n,
  })
  return events.length
}
const errorOf = (response: Response) =>
  decodePaymentRequired(response.headers.get('PAYMENT-REQUIRED') ?? '').error

describe('default', () => {
  test('402, payment, answer with settlement and signed receipt', async () => {
    const handle = shop()
    const unpaid = await handle(new Request(url))
    expect(unpaid.status).toBe(402)
    expect(decodePaymentRequired(unpaid.headers.get('PAYMENT-REQUIRED') ?? '').accepts).toEqual([
      chain.requirements,
    ])
    expect(await unpaid.json()).toMatchObject({ x402Version: 1, accepts: [{ network: 'base-sepolia' }] })

    const payment = await sign()
    const response = await handle(paidWith(payment))
    expect(response.status).toBe(200)
    expect(await response.text()).toBe('sunny')
    const settled = decodeSettleResponse(response.headers.get('PAYMENT-RESPONSE') ?? '')
    expect(settled).toMatchObject({ success: true, amount: '1000' })
    expect(response.headers.get('cache-control')).toBe('private')
    const signed = decodeCallReceipt(response.headers.get('Millrace-Receipt') ?? '')
    const request = digestRequest({ method: 'GET', url, body: new Uint8Array() })
    await verifyCallReceipt(signed, { seller: seller.address, request, most: 1000n })
    expect(signed.receipt).toMatchObject({
      payer: accountAt(1).address,
      reference: settled.transaction,
      amount: 1000n,
    })
    for (const expected of [
      { seller: accountAt(1).address },
      { seller: seller.address, request: `0x${'00'.repeat(32)}` as const },
      { seller: seller.address, most: 999n },
    ])
      await expect(verifyCallReceipt(signed, expected)).rejects.toBeInstanceOf(CallReceiptInvalidError)
    expect(await spent(payment)).toBe(1)
  })

  test('x402 v1 is paid and answered in v1', async () => {
    const { payload } = await sign(2)
    const header = encodeV1Payload({ x402Version: 1, scheme: 'exact', network: 'base-sepolia', payload })
    const response = await shop()(new Request(url, { headers: { 'X-PAYMENT': header } }))
    expect(response.status).toBe(200)
    expect(response.headers.get('PAYMENT-RESPONSE')).toBeNull()
    const settled = JSON.parse(atob(response.headers.get('X-PAYMENT-RESPONSE') ?? ''))
    expect(settled).toMatchObject({ success: true, network: 'base-sepolia' })
  })

  test('MPP is challenged, paid with a nonce of the challenge, and answered in MPP', async () => {
    const handle = shop()
    const challenge = decodeChallenge((await handle(new Request(url))).headers.get('WWW-Authenticate') ?? '')
    expect(JSON.parse(atob(challenge.request))).toMatchObject({
      amount: '1000',
      methodDetails: { chainId: 84532 },
    })
    const nonce = mppNonce(challenge)
    const { payload } = await signExact(accountAt(3), { requirements: chain.requirements, now: now(), nonce })
    const credential = encodeCredential({ challenge, payload: { type: 'authorization', ...payload } })
    const response = await handle(new Request(url, { headers: { Authorization: credential } }))
    expect(response.status).toBe(200)
    expect(decodePaymentReceipt(response.headers.get('Payment-Receipt') ?? '')).toMatchObject({
      status: 'success',
      method: 'evm',
    })

    const other = encodeCredential({ challenge: { ...challenge, realm: 'other' }, payload })
    const refused = await handle(new Request(url, { headers: { Authorization: other } }))
    expect([refused.status, errorOf(refused)]).toEqual([400, 'challenge_foreign'])
    const free = await sign(3)
    const next = await handle(new Request('http://shop.example/other'))
    const unbound = encodeCredential({
      challenge: decodeChallenge(next.headers.get('WWW-Authenticate') ?? ''),
      payload: free.payload,
    })
    const second = await handle(new Request(url, { headers: { Authorization: unbound } }))
    expect([second.status, errorOf(second)]).toEqual([402, 'invalid_exact_evm_signature'])
  })
})

describe('behavior: what is charged', () => {
  test.each([
    ['fails', () => Promise.reject(new RangeError('broken'))],
    ['answers 500', () => new Response('broken', { status: 500 })],
    ['answers 404', () => new Response('none', { status: 404 })],
    [
      'breaks off',
      () =>
        new Response(
          new ReadableStream({
            start(controller) {
              controller.enqueue(new Uint8Array([1]))
              controller.error(new RangeError('cut'))
            },
          }),
        ),
    ],
  ] as [string, PaidHandler][])(
    'a handler that %s is not, and the payment can be used again',
    async (_, broken) => {
      const payment = await sign()
      let handler = broken
      const handle = shop((request, call) => handler(request, call))
      const first = await handle(paidWith(payment)).catch(() => null)
      expect(first?.status ?? 500).toBeGreaterThanOrEqual(400)
      expect(first?.headers.get('PAYMENT-RESPONSE') ?? null).toBeNull()
      expect(await spent(payment)).toBe(0)
      handler = () => new Response('sunny')
      expect((await handle(paidWith(payment))).status).toBe(200)
      expect(await spent(payment)).toBe(1)
    },
  )

  test('a free route asks for nothing; the handler sees body and payer', async () => {
    expect((await shop(undefined, { route: { price: { amount: 0n } } })(new Request(url))).status).toBe(200)
    const handle = shop(async (request, call) => new Response(`${await request.text()} ${call?.ceiling}`))
    const response = await handle(paidWith(await sign(), { method: 'POST', body: 'hello' }))
    expect(await response.text()).toBe('hello 1000')
  })

  test('an answer in events goes out as it comes, once paid', async () => {
    const encoder = new TextEncoder()
    const stream = () =>
      new ReadableStream<Uint8Array>({
        start(controller) {
          for (const each of [1, 2, 3]) controller.enqueue(encoder.encode(`data: ${each}\n\n`))
          controller.close()
        },
      })
    const handle = shop(() => new Response(stream(), { headers: { 'content-type': 'text/event-stream' } }))
    const payment = await sign()
    const response = await handle(paidWith(payment))
    expect(response.headers.get('PAYMENT-RESPONSE')).not.toBeNull()
    expect(await response.text()).toBe('data: 1\n\ndata: 2\n\ndata: 3\n\n')
    expect(errorOf(await handle(paidWith(payment)))).toBe('payment_already_used')
  })
})

describe('behavior: repetitions', () => {
  test('the same payment for the same request is answered again, for another it buys nothing', async () => {
    let calls = 0
    const handle = shop(() => new Response(`call ${++calls}`))
    const payment = await sign()
    const answers = await Promise.all([1, 2, 3, 4].map(() => handle(paidWith(payment))))
    expect(await Promise.all(answers.map((each) => each.text()))).toEqual(Array(4).fill('call 1'))
    expect((await handle(paidWith(payment))).headers.get('PAYMENT-RESPONSE')).toBe(
      answers[0]?.headers.get('PAYMENT-RESPONSE'),
    )
    const other = await handle(paidWith(payment, { url: 'http://shop.example/other' }))
    expect([other.status, errorOf(other)]).toEqual([402, 'payment_already_used'])
    expect([calls, await spent(payment)]).toEqual([1, 1])
    // Another process, that remembers nothing: the facilitator and the chain do.
    expect(errorOf(await shop()(paidWith(payment)))).toBe('invalid_exact_evm_nonce_already_used')
    const fresh = await openHere()
    expect(errorOf(await shop(undefined, { facilitator: fresh })(paidWith(payment)))).toBe(
      'invalid_exact_evm_nonce_already_used',
    )
    await fresh.close()
  })

  test('two calls at once with one payment: one is served', async () => {
    let calls = 0
    const handle = shop(() => new Response(`call ${++calls}`))
    const payment = await sign()
    const both = await Promise.all([
      handle(paidWith(payment)),
      handle(paidWith(payment, { url: 'http://shop.example/other' })),
    ])
    expect(both.map(({ status }) => status).sort()).toEqual([200, 402])
    expect(calls).toBe(1)
  })

  test('an idempotency key with a new payment is answered again and costs nothing; for another request it is a conflict', async () => {
    let calls = 0
    const handle = shop(() => new Response(`call ${++calls}`))
    const headers = { 'Idempotency-Key': 'order-1' }
    const [first, second, third, stranger] = [await sign(1), await sign(1), await sign(1), await sign(2)]
    expect(await (await handle(paidWith(first, { headers }))).text()).toBe('call 1')
    expect(await (await handle(paidWith(second, { headers }))).text()).toBe('call 1')
    expect((await handle(paidWith(third, { headers, url: 'http://shop.example/other' }))).status).toBe(409)
    expect(await (await handle(paidWith(stranger, { headers }))).text()).toBe('call 2')
    expect(await Promise.all([first, second, third, stranger].map(spent))).toEqual([1, 0, 0, 1])
  })
})

describe('behavior: payments that are wrong are told so and buy nothing', () => {
  const never: PaidHandler = () => expect.fail('the handler was called')

  test('altered, for another price, chain or token, expired, unfunded, malleable, garbage', async () => {
    const handle = shop(never)
    const { requirements } = chain
    const tell = async (payment: PaymentPayload) => {
      const response = await handle(paidWith(payment))
      expect(response.status).toBe(402)
      return errorOf(response)
    }
    const payment = await sign()
    const authorization = payment.payload.authorization as Record<string, string>
    const altered = (change: Record<string, string>): PaymentPayload => ({
      ...payment,
      payload: { ...payment.payload, authorization: { ...authorization, ...change } },
    })
    const asked = async (change: object) =>
      signExact(accountAt(1), { requirements: { ...requirements, ...change }, now: now() })
    expect(await tell(altered({ value: '1' }))).toBe('invalid_exact_evm_payload_authorization_value_mismatch')
    expect(await tell(altered({ to: accountAt(1).address }))).toBe('invalid_exact_evm_recipient_mismatch')
    expect(await tell(altered({ nonce: `0x${'33'.repeat(32)}` }))).toBe('invalid_exact_evm_signature')
    expect(await tell(altered({ validBefore: '1' }))).toBe(
      'invalid_exact_evm_payload_authorization_valid_before',
    )
    for (const change of [
      { amount: '1' },
      { network: 'eip155:1' },
      { asset: accountAt(1).address },
      { payTo: accountAt(1).address },
      { scheme: 'exact2' },
    ])
      expect(
        await tell({
          ...(await asked({ ...change, scheme: 'exact' })),
          accepted: { ...requirements, ...change },
        }),
      ).toBe('no_matching_requirements')
    // It says that it pays what was asked, and signs for another chain and token.
    for (const change of [{ network: 'eip155:1' }, { asset: accountAt(1).address }])
      expect(await tell({ ...(await asked(change)), accepted: requirements })).toBe(
        'invalid_exact_evm_signature',
      )
    expect(await tell(await sign(7))).toBe('invalid_exact_evm_insufficient_balance')
    const signature = payment.payload.signature as Hex
    const order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n
    const s = (order - BigInt(`0x${signature.slice(66, 130)}`)).toString(16).padStart(64, '0')
    const twin = `${signature.slice(0, 66)}${s}${signature.endsWith('1b') ? '1c' : '1b'}`
    expect(await tell({ ...payment, payload: { ...payment.payload, signature: twin } })).toBe(
      'invalid_exact_evm_signature',
    )

    const garbage = await handle(new Request(url, { headers: { 'PAYMENT-SIGNATURE': '%%%' } }))
    expect([garbage.status, errorOf(garbage)]).toEqual([400, 'header_not_base64'])
    const large = shop(never, { maxBodyBytes: 10 })
    expect((await large(new Request(url, { method: 'POST', body: 'x'.repeat(11) }))).status).toBe(413)
  })

  test('money that is gone by the time of settling: no answer, nothing charged', async () => {
    const poor = accountAt(6)
    await chain.mint(poor.address, 1000n)
    const payment = await signExact(poor, { requirements: chain.requirements, now: now() })
    const handle = shop(async () => {
      await chain.client.impersonateAccount({ address: poor.address })
      const other = await signExact(poor, { requirements: chain.requirements, now: now() })
      expect(await facilitator.settle(other, chain.requirements)).toMatchObject({ success: true })
      return new Response('secret')
    })
    const response = await handle(paidWith(payment))
    expect(response.status).toBe(402)
    expect(await response.text()).not.toContain('secret')
    expect(errorOf(response)).toBe('invalid_exact_evm_insufficient_balance')
    expect(decodeSettleResponse(response.headers.get('PAYMENT-RESPONSE') ?? '')).toMatchObject({
      success: false,
    })
  })
})

describe('behavior: facilitators that fail', () => {
  /** A facilitator over HTTP, through a proxy that may do anything to it. */
  async function remote(
    disturb: (path: string, answer: () => Promise<Response>) => Promise<Response | null>,
  ) {
    const handle = facilitatorHandler({ facilitator })
    const server = createServer(async (incoming, outgoing) => {
      const body = Buffer.concat(await incoming.toArray())
      const request = new Request(`http://f.example${incoming.url}`, { method: 'POST', body })
      const response = await disturb(incoming.url ?? '', () => handle(request))
      if (response === null) return void outgoing.destroy()
      outgoing.writeHead(response.status)
      outgoing.end(await response.text())
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return {
      server,
      client: httpFacilitator({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }),
    }
  }

  test('a settlement whose answer is lost is 503, and the same payment gets the kept answer, charged once', async () => {
    let lost = 0
    let calls = 0
    const { server, client } = await remote(async (path, answer) => {
      const response = await answer()
      return path === '/settle' && lost++ === 0 ? null : response
    })
    const handle = shop(() => new Response(`call ${++calls}`), { facilitator: client })
    const payment = await sign()
    const first = await handle(paidWith(payment))
    expect([first.status, (await first.json()).error.code]).toEqual([503, 'SETTLEMENT_PENDING'])
    const again = await Promise.all([1, 2, 3].map(() => handle(paidWith(payment))))
    expect(await Promise.all(again.map((each) => each.text()))).toEqual(Array(3).fill('call 1'))
    expect([calls, await spent(payment), lost]).toEqual([1, 1, 2])
    server.close()
  })

  test('one that settles late: 503 until it is mined, then the answer', async () => {
    const slow = await openHere(200)
    let calls = 0
    const handle = shop(() => new Response(`call ${++calls}`), { facilitator: slow })
    const payment = await sign(4)
    await chain.client.setAutomine(false)
    expect((await handle(paidWith(payment))).status).toBe(503)
    await chain.client.setAutomine(true)
    await chain.client.mine({ blocks: 1 })
    await expect.poll(async () => (await handle(paidWith(payment))).status, { timeout: 20_000 }).toBe(200)
    expect(await (await handle(paidWith(payment))).text()).toBe('call 1')
    expect(await spent(payment)).toBe(1)
    await slow.close()
  })

  test('one that cannot be reached, or answers nonsense, is 503 before the handler runs', async () => {
    for (const answer of [
      null,
      new Response('nonsense', { status: 200 }),
      new Response('{}', { status: 500 }),
    ]) {
      const { server, client } = await remote(async () => answer)
      const handle = shop(() => expect.fail('the handler was called'), { facilitator: client })
      const response = await handle(paidWith(await sign()))
      expect([response.status, (await response.json()).error.code]).toEqual([503, 'FACILITATOR_UNREACHABLE'])
      server.close()
    }
  })
})
