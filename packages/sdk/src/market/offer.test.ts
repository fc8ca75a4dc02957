import fc from 'fast-check'
import { mnemonicToAccount } from 'viem/accounts'
import { describe, expect, test } from 'vitest'
import vectors from '../../../../vectors/offers.json' with { type: 'json' }
import { parse } from '../border/parse.ts'
import { addressSchema } from '../border/primitives.ts'
import { InvalidInputError } from '../errors/border.ts'
import {
  OfferExpiredError,
  OfferForeignError,
  OfferTermsError,
  OfferTooLongLivedError,
  SignatureInvalidError,
  SpecMismatchError,
} from '../errors/market.ts'
import { hashOffer } from './hashOffer.ts'
import {
  type Offer,
  offerSchema,
  type PublishedOffer,
  publishedOfferSchema,
  publishedOfferToJson,
} from './offer.ts'
import { offerNonce } from './offerNonce.ts'
import { priceUp } from './priceUp.ts'
import { signOffer } from './signOffer.ts'
import { signStart } from './signStart.ts'
import { hashWithdraw, signWithdraw } from './signWithdraw.ts'
import { hashSpec, specSchema } from './spec.ts'
import { verifyOffer } from './verifyOffer.ts'

const account = (addressIndex: number) =>
  mnemonicToAccount('test test test test test test test test test test test junk', { addressIndex })
const operator = account(1)
const spec = parse(specSchema, vectors.spec.value, 'spec')
const { chainId } = vectors
const market = parse(addressSchema, vectors.market, 'market')
const domain = { market, chainId }
const now = 1_789_990_000
const plain = parse(offerSchema, vectors.offers[0]?.offer, 'offer')

const publish = async (offer: Offer): Promise<PublishedOffer> => ({
  chainId,
  market,
  currency: market,
  operator: operator.address,
  offer,
  signature: await signOffer(operator, offer, domain),
  spec,
  gateways: ['http://127.0.0.1:4100'],
})

describe('default', () => {
  test('vectors: ids, signatures, starts and withdrawals', async () => {
    expect(hashSpec(spec)).toBe(vectors.spec.hash)
    for (const { offer: json, id, signature, start, withdrawal } of vectors.offers) {
      const offer = parse(offerSchema, json, 'offer')
      expect(hashOffer(offer, domain)).toBe(id)
      expect(await signOffer(operator, offer, domain)).toBe(signature)
      const lease = hashOffer(offer, domain)
      expect(await signStart(account(2), lease, domain)).toBe(start)
      const wish = { offer: lease, at: withdrawal.at }
      expect(hashWithdraw(wish, domain)).toBe(withdrawal.digest)
      expect(await signWithdraw(operator, wish, domain)).toBe(withdrawal.signature)
    }
  })

  test('a published offer survives JSON and verifies', async () => {
    const published = await publish(plain)
    const read = parse(
      publishedOfferSchema,
      JSON.parse(JSON.stringify(publishedOfferToJson(published))),
      'offer',
    )
    expect(read).toEqual(published)
    expect(await verifyOffer(read, { ...domain, now })).toBe(hashOffer(plain, domain))
  })

  test('behavior: any offer survives JSON with its id', () => {
    const bits = (width: number) => fc.bigInt({ min: 0n, max: (1n << BigInt(width)) - 1n })
    const time = fc.nat(2 ** 31 - 1)
    const hash = fc
      .uint8Array({ minLength: 32, maxLength: 32 })
      .map((bytes): `0x${string}` => `0x${Buffer.from(bytes).toString('hex')}`)
    const offer = fc.record({
      asset: bits(256),
      buyer: fc.constant(operator.address),
      pricePerHour: bits(128),
      bond: bits(128),
      minDuration: time,
      maxDuration: time,
      startWindow: time,
      expiry: time,
      spec: hash,
      terms: hash,
      nonce: bits(256),
    })
    fc.assert(
      fc.property(offer, (value) => {
        const json = publishedOfferToJson({ offer: value } as PublishedOffer).offer
        const read = parse(offerSchema, JSON.parse(JSON.stringify(json)), 'offer')
        expect(hashOffer(read, domain)).toBe(hashOffer(value, domain))
      }),
      { numRuns: 50 },
    )
  })

  test('priceUp rounds up and never by more than a unit', () => {
    expect(priceUp(360_000n, 61)).toBe(6100n)
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 128n }), fc.nat(2 ** 31), (price, seconds) => {
        const exact = price * BigInt(seconds)
        const priced = priceUp(price, seconds) * 3600n
        expect(priced >= exact && priced - exact < 3600n).toBe(true)
      }),
    )
  })

  test('offerNonce keeps series and index apart', () => {
    expect(offerNonce(3n, 77n)).toBe((3n << 192n) | 77n)
    expect(offerNonce(1n, 2n ** 192n)).toBe(1n << 192n)
  })
})

describe('verifyOffer refuses', () => {
  const refusal = async (published: PublishedOffer, error: new (...args: never[]) => Error, at = now) =>
    expect(verifyOffer(published, { ...domain, now: at })).rejects.toBeInstanceOf(error)

  test('error: OfferForeignError', async () => {
    const published = await publish(plain)
    await refusal({ ...published, chainId: 1 }, OfferForeignError)
    await refusal({ ...published, market: operator.address }, OfferForeignError)
  })

  test('error: SpecMismatchError', async () => {
    await refusal({ ...(await publish(plain)), spec: { ...spec, cpus: 64 } }, SpecMismatchError)
  })

  test('error: OfferExpiredError after its last second', async () => {
    const published = await publish(plain)
    expect(await verifyOffer(published, { ...domain, now: plain.expiry })).toBeDefined()
    await refusal(published, OfferExpiredError, plain.expiry + 1)
  })

  test('error: OfferTooLongLivedError beyond a day', async () => {
    const published = await publish(plain)
    expect(await verifyOffer(published, { ...domain, now: plain.expiry - 86_400 })).toBeDefined()
    await refusal(published, OfferTooLongLivedError, plain.expiry - 86_401)
  })

  test('error: OfferTermsError', async () => {
    await refusal(await publish({ ...plain, asset: 0n }), OfferTermsError)
    await refusal(await publish({ ...plain, minDuration: 0, maxDuration: 0 }), OfferTermsError)
    await refusal(await publish({ ...plain, minDuration: 61, maxDuration: 60 }), OfferTermsError)
  })

  test('error: SignatureInvalidError for every altered field, another signer, a second form', async () => {
    const published = await publish(plain)
    const altered: Partial<Offer>[] = [
      { asset: 2n },
      { buyer: operator.address },
      { pricePerHour: 1n },
      { bond: 1n },
      { minDuration: 61 },
      { maxDuration: 86_401 },
      { startWindow: 61 },
      { expiry: plain.expiry + 1 },
      { terms: plain.spec },
      { nonce: 6n },
    ]
    for (const change of altered)
      await refusal({ ...published, offer: { ...plain, ...change } }, SignatureInvalidError)
    await refusal({ ...published, operator: account(2).address }, SignatureInvalidError)
    const s = BigInt(`0x${published.signature.slice(66, 130)}`)
    const order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n
    const v = published.signature.endsWith('1b') ? '1c' : '1b'
    const second: `0x${string}` = `0x${published.signature.slice(2, 66)}${(order - s).toString(16).padStart(64, '0')}${v}`
    await refusal({ ...published, signature: second }, SignatureInvalidError)
    for (const signature of ['0x', '0x1234', `0x${'00'.repeat(65)}`, `0x${'ff'.repeat(65)}`] as const)
      await refusal({ ...published, signature }, SignatureInvalidError)
  })
})

describe('error: InvalidInputError', () => {
  test('names each wrong field', async () => {
    const json = publishedOfferToJson(await publish(plain))
    const wrong: [unknown, string][] = [
      [{ ...json, offer: { ...json.offer, asset: 1 } }, "'offer.asset'"],
      [{ ...json, offer: { ...json.offer, asset: '-1' } }, "'offer.asset': must be a whole number"],
      [{ ...json, offer: { ...json.offer, pricePerHour: (2n ** 128n).toString() } }, 'must fit in 128 bits'],
      [{ ...json, offer: { ...json.offer, expiry: 1.5 } }, "'offer.expiry'"],
      [{ ...json, signature: '0x123' }, "'signature': must be whole bytes in hex"],
      [{ ...json, more: 1 }, 'more'],
      [{ ...json, spec: { ...json.spec, cpus: 0 } }, "'spec.cpus'"],
      [{ ...json, spec: { ...json.spec, vendor: 'x' } }, 'vendor'],
      [{ ...json, gateways: ['ftp://x'] }, "'gateways.0'"],
      [null, 'offer'],
    ]
    for (const [value, message] of wrong) {
      expect(() => parse(publishedOfferSchema, value, 'offer')).toThrow(InvalidInputError)
      expect(() => parse(publishedOfferSchema, value, 'offer')).toThrow(message)
    }
  })

  test('behavior: no text of a spec may rewrite a terminal', () => {
    const gpu = { name: 'GPU', memoryMiB: 1, uuid: 'GPU-1', driver: '1' }
    expect(specSchema.safeParse({ ...spec, region: 'Zürich 東京', gpus: [gpu] }).success).toBe(true)
    for (const bad of ['\u001b[2J', 'a\nb', 'a\u009b1m', 'a\u202eb', 'a\u200bb', 'a\u2028b', 'a\u007f']) {
      for (const field of ['region', 'os', 'arch', 'cpuModel'])
        expect(specSchema.safeParse({ ...spec, [field]: bad }).success).toBe(false)
      for (const field of ['name', 'uuid', 'driver'])
        expect(specSchema.safeParse({ ...spec, gpus: [{ ...gpu, [field]: bad }] }).success).toBe(false)
    }
  })

  test('behavior: nothing that comes in makes reading fail in another way', async () => {
    const json = publishedOfferToJson(await publish(plain))
    const paths = (value: unknown, path: string[] = []): string[][] =>
      typeof value === 'object' && value !== null
        ? [path, ...Object.entries(value).flatMap(([key, member]) => paths(member, [...path, key]))]
        : [path]
    const put = (value: unknown, [key, ...rest]: string[], replacement: unknown): unknown => {
      if (key === undefined) return replacement
      const holder = value as Record<string, unknown>
      const changed = put(holder[key], rest, replacement)
      return Array.isArray(value)
        ? value.map((member, index) => (String(index) === key ? changed : member))
        : { ...holder, [key]: changed }
    }
    const text = fc.oneof(
      fc.string(),
      fc.constantFrom('0x', '-1', '1.0', '1e3', 'NaN', '0x'.padEnd(42, 'g'), '9'.repeat(90)),
    )
    fc.assert(
      fc.property(fc.constantFrom(...paths(json)), fc.oneof(text, fc.anything()), (path, value) => {
        try {
          parse(publishedOfferSchema, put(json, path, value), 'offer')
        } catch (error) {
          expect(error).toBeInstanceOf(InvalidInputError)
        }
      }),
      { numRuns: 1000 },
    )
  })
})
