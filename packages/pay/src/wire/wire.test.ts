import * as stock from '@x402/core/http'
import { decodePaymentRequiredHeader, decodePaymentSignatureHeader } from '@x402/core/http'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { maxHeaderBytes, toBase64 } from './base64.ts'
import {
  ChallengeExpiredError,
  ChallengeForeignError,
  ChallengeMalformedError,
  HeaderFieldsError,
  HeaderNotBase64Error,
  HeaderNotJsonError,
  HeaderTooLargeError,
} from './errors.ts'
import {
  decodePaymentPayload,
  decodePaymentRequired,
  decodeSettleResponse,
  encodePaymentPayload,
  encodePaymentRequired,
  encodeSettleResponse,
} from './headers.ts'
import {
  createChallenge,
  decodeChallenge,
  decodeCredential,
  decodePaymentReceipt,
  encodeChallenge,
  encodeCredential,
  encodePaymentReceipt,
  verifyChallenge,
} from './mpp.ts'
import { networkOfV1, v1OfNetwork } from './networks.ts'
import { paymentRequiredResponse } from './paymentRequiredResponse.ts'
import type { PaymentPayload, PaymentRequired, PaymentRequirements, SettleResponse } from './x402.ts'
import { decodeV1Payload, encodeV1Payload, fromV1Requirements, toV1Requirements } from './x402v1.ts'

const text = (maxLength: number) => fc.string({ unit: 'grapheme', maxLength: Math.floor(maxLength / 4) })
const atomic = fc.bigInt({ min: 0n, max: (1n << 256n) - 1n }).map(String)
const hexOf = (bytes: number) =>
  fc
    .uint8Array({ minLength: bytes, maxLength: bytes })
    .map((each) => `0x${Buffer.from(each).toString('hex')}`)
const network = fc.integer({ min: 1, max: 2 ** 31 }).map((id) => `eip155:${id}`)
const extra = fc.dictionary(fc.stringMatching(/^[a-z]{1,8}$/), fc.oneof(text(40), fc.integer(), fc.boolean()))
const requirements: fc.Arbitrary<PaymentRequirements> = fc.record(
  {
    scheme: fc.constantFrom('exact', 'upto', 'stream'),
    network,
    amount: atomic,
    asset: hexOf(20),
    payTo: hexOf(20),
    maxTimeoutSeconds: fc.integer({ min: 1, max: 86_400 }),
    extra,
  },
  { requiredKeys: ['scheme', 'network', 'amount', 'asset', 'payTo', 'maxTimeoutSeconds'] },
)
const resource = fc.record({ url: fc.webUrl(), description: text(100) }, { requiredKeys: ['url'] })
const required: fc.Arbitrary<PaymentRequired> = fc.record({
  x402Version: fc.constant(2 as const),
  error: text(40),
  resource,
  accepts: fc.array(requirements, { minLength: 1, maxLength: 4 }),
})
const payment: fc.Arbitrary<PaymentPayload> = fc.record(
  { x402Version: fc.constant(2 as const), resource, accepted: requirements, payload: extra },
  { requiredKeys: ['x402Version', 'accepted', 'payload'] },
)
const settled: fc.Arbitrary<SettleResponse> = fc.record(
  { success: fc.boolean(), transaction: hexOf(32), network, payer: hexOf(20), amount: atomic },
  { requiredKeys: ['success', 'transaction', 'network'] },
)

describe('default', () => {
  test('x402 v2: what is written is read back, and reads the same for @x402/core, both ways', () => {
    fc.assert(
      fc.property(required, payment, settled, (a, b, c) => {
        expect(decodePaymentRequired(encodePaymentRequired(a))).toEqual(a)
        expect(decodePaymentRequiredHeader(encodePaymentRequired(a))).toEqual(a)
        expect(encodePaymentRequired(a)).toBe(stock.encodePaymentRequiredHeader(a as never))
        expect(decodePaymentPayload(encodePaymentPayload(b))).toEqual(b)
        expect(decodePaymentSignatureHeader(encodePaymentPayload(b))).toEqual(b)
        expect(encodePaymentPayload(b)).toBe(stock.encodePaymentSignatureHeader(b as never))
        expect(decodeSettleResponse(encodeSettleResponse(c))).toEqual(c)
        expect(encodeSettleResponse(c)).toBe(stock.encodePaymentResponseHeader(c as never))
      }),
      { numRuns: 100 },
    )
  })

  test('x402 v1: requirements go there and back, and only what v1 can name goes there', () => {
    const v1Network = fc.constantFrom('eip155:84532', 'eip155:8453', 'eip155:137')
    fc.assert(
      fc.property(requirements, v1Network, resource, (each, known, what) => {
        const named = { ...each, scheme: 'exact', network: known }
        const v1 = toV1Requirements(named, what)
        expect(v1 && fromV1Requirements(v1)).toEqual(named)
        expect(toV1Requirements({ ...named, scheme: 'stream' }, what)).toBeNull()
        expect(toV1Requirements({ ...named, network: 'eip155:31337' }, what)).toBeNull()
        const paid = { x402Version: 1, scheme: 'exact', network: v1?.network ?? '', payload: {} } as const
        expect(decodeV1Payload(encodeV1Payload(paid))).toEqual(paid)
      }),
    )
    expect(networkOfV1(v1OfNetwork('eip155:84532') ?? '')).toBe('eip155:84532')
  })

  test('MPP: challenge, credential and receipt are read back; the challenge is recognised', async () => {
    const printable = fc.string({ unit: 'grapheme-ascii', maxLength: 40 })
    const secret = crypto.getRandomValues(new Uint8Array(32))
    await fc.assert(
      fc.asyncProperty(printable, printable, extra, async (realm, description, request) => {
        const challenge = await createChallenge(
          {
            realm,
            description,
            request,
            method: 'evm',
            intent: 'charge',
            expires: '2030-01-01T00:00:00Z',
            opaque: request,
          },
          secret,
        )
        expect(decodeChallenge(encodeChallenge(challenge))).toEqual(challenge)
        const credential = { challenge, source: 'me', payload: request }
        expect(decodeCredential(encodeCredential(credential))).toEqual(credential)
        await verifyChallenge(challenge, { secret, now: 0 })
      }),
      { numRuns: 50 },
    )
    const receipt = {
      status: 'success',
      method: 'evm',
      timestamp: '2026-01-01T00:00:00Z',
      reference: '0x01',
    } as const
    expect(decodePaymentReceipt(encodePaymentReceipt(receipt))).toEqual(receipt)
  })

  test('one answer speaks all three', async () => {
    const way = {
      scheme: 'exact',
      network: 'eip155:84532',
      amount: '1000',
      asset: `0x${'11'.repeat(20)}`,
      payTo: `0x${'22'.repeat(20)}`,
      maxTimeoutSeconds: 60,
    }
    const all: PaymentRequired = {
      x402Version: 2,
      resource: { url: 'http://x.example/a' },
      accepts: [way, { ...way, network: 'eip155:31337' }],
    }
    const challenge = await createChallenge(
      { realm: 'x', method: 'evm', intent: 'charge', request: {} },
      new Uint8Array(32),
    )
    const response = paymentRequiredResponse(all, { challenges: [challenge] })
    expect(response.status).toBe(402)
    expect(decodePaymentRequired(response.headers.get('PAYMENT-REQUIRED') ?? '')).toEqual(all)
    expect(decodeChallenge(response.headers.get('WWW-Authenticate') ?? '')).toEqual(challenge)
    const body = await response.json()
    expect(body).toMatchObject({
      x402Version: 1,
      accepts: [{ network: 'base-sepolia', maxAmountRequired: '1000' }],
    })
    expect(body.accepts).toHaveLength(1)
  })
})

describe('behavior: a challenge', () => {
  const secret = new Uint8Array(32).fill(7)
  const make = () =>
    createChallenge(
      {
        realm: 'r',
        method: 'evm',
        intent: 'charge',
        request: { amount: '5' },
        expires: '2026-01-01T00:00:00Z',
      },
      secret,
    )

  test('error: ChallengeForeignError for any altered field and another secret', async () => {
    const challenge = await make()
    for (const altered of [
      { ...challenge, realm: 's' },
      { ...challenge, request: toBase64('{"amount":"4"}', 'url') },
      { ...challenge, expires: '2027-01-01T00:00:00Z' },
      { ...challenge, digest: 'x' },
      { ...challenge, id: 'A'.repeat(challenge.id.length) },
    ])
      await expect(verifyChallenge(altered, { secret, now: 0 })).rejects.toBeInstanceOf(ChallengeForeignError)
    await expect(verifyChallenge(challenge, { secret: new Uint8Array(32), now: 0 })).rejects.toBeInstanceOf(
      ChallengeForeignError,
    )
  })

  test('error: ChallengeExpiredError once it has ended', async () => {
    const challenge = await make()
    const end = Date.parse('2026-01-01T00:00:00Z') / 1000
    await verifyChallenge(challenge, { secret, now: end - 1 })
    await expect(verifyChallenge(challenge, { secret, now: end })).rejects.toBeInstanceOf(
      ChallengeExpiredError,
    )
  })

  test('error: ChallengeMalformedError names what is wrong', () => {
    for (const header of [
      'Basic x',
      'Payment',
      'Payment id="a"',
      'Payment id="a", id="b"',
      'Payment id="a" realm="b"',
      'Payment ="a"',
      'Payment id="a',
    ])
      expect(() => decodeChallenge(header)).toThrow(ChallengeMalformedError)
    expect(() => decodeCredential('Bearer abc')).toThrow(ChallengeMalformedError)
  })
})

describe('error: malformed headers', () => {
  test.each([
    ['HeaderNotBase64Error', 'not base64!', HeaderNotBase64Error],
    ['HeaderNotBase64Error, cut', 'abcde', HeaderNotBase64Error],
    ['HeaderNotBase64Error, not UTF-8', '/////w==', HeaderNotBase64Error],
    ['HeaderNotJsonError', toBase64('{"x402Version":'), HeaderNotJsonError],
    ['HeaderNotJsonError, empty', '', HeaderNotJsonError],
    ['HeaderFieldsError', toBase64('{"x402Version":2}'), HeaderFieldsError],
    ['HeaderFieldsError, null', toBase64('null'), HeaderFieldsError],
    ['HeaderTooLargeError', 'A'.repeat(maxHeaderBytes + 1), HeaderTooLargeError],
  ])('%s', (_, header, type) => {
    expect(() => decodePaymentPayload(header)).toThrow(type)
    expect(() => decodeV1Payload(header)).toThrow(type)
  })

  test('garbage is refused with one of our classes, never anything else', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.base64String(),
          fc.json().map((json) => toBase64(json)),
        ),
        (header) => {
          for (const read of [decodePaymentPayload, decodePaymentRequired, decodeV1Payload, decodeCredential])
            try {
              read(header)
            } catch (error) {
              expect((error as { code?: string }).code).toMatch(/^(HEADER|CHALLENGE)_/)
            }
        },
      ),
    )
  })
})
