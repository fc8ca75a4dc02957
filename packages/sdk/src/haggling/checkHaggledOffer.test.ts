import { type Address, type Hash, zeroAddress, zeroHash } from 'viem'
import { expect, test } from 'vitest'
import { HaggleDealError } from '../errors/haggling.ts'
import type { PublishedOffer } from '../market/offer.ts'
import { checkHaggledOffer } from './checkHaggledOffer.ts'
import { type HaggleTerms, hashHaggleTerms } from './terms.ts'

const address = (digit: string): Address => `0x${digit.repeat(40)}`
const hash = (digit: string): Hash => `0x${digit.repeat(64)}`
const terms: HaggleTerms = {
  version: 1,
  haggle: hash('1'),
  buyer: address('1'),
  seller: address('2'),
  currency: address('3'),
  subject: { type: 'lease', asset: '7', spec: hash('2') },
  quantity: '3600',
  price: '700000',
  validUntil: 1_790_000_600,
}
const offer = {
  asset: 7n,
  buyer: terms.buyer,
  pricePerHour: 700_000n,
  bond: 0n,
  minDuration: 60,
  maxDuration: 3600,
  startWindow: 60,
  expiry: terms.validUntil,
  spec: hash('2'),
  terms: hashHaggleTerms(terms),
  nonce: 1n,
}
const published: PublishedOffer = {
  chainId: 31337,
  market: address('4'),
  currency: terms.currency,
  operator: terms.seller,
  offer,
  signature: '0x',
  spec: {
    version: 1,
    runner: 'sandbox',
    network: 'none',
    device: address('5'),
    sessionKey: hash('3'),
    os: 'linux',
    arch: 'x64',
    cpus: 1,
    cpuModel: 'any',
    memoryMiB: 1,
    diskMiB: 1,
    gpus: [],
  },
  gateways: [],
}

test('default', () => {
  expect(() => checkHaggledOffer(published, terms)).not.toThrow()
})

test.each<[string, Partial<PublishedOffer['offer']>]>([
  ['hash of the terms', { terms: zeroHash }],
  ['buyer', { buyer: zeroAddress }],
  ['asset', { asset: 8n }],
  ['spec', { spec: zeroHash }],
  ['price per hour', { pricePerHour: 700_001n }],
  ['shortest lease', { minDuration: 3601 }],
  ['longest lease', { maxDuration: 3599 }],
  ['expiry', { expiry: terms.validUntil + 1 }],
])('error: HaggleDealError, %s', (field, changed) => {
  const work = () => checkHaggledOffer({ ...published, offer: { ...offer, ...changed } }, terms)
  expect(work).toThrow(HaggleDealError)
  expect(work).toThrow(field)
})

test('error: HaggleDealError, operator, currency and what is no lease', () => {
  expect(() => checkHaggledOffer({ ...published, operator: zeroAddress }, terms)).toThrow('operator')
  expect(() => checkHaggledOffer({ ...published, currency: zeroAddress }, terms)).toThrow('currency')
  const calls = { ...terms, subject: { type: 'calls', url: 'http://localhost/', unit: 'call' } } as const
  expect(() => checkHaggledOffer(published, calls)).toThrow('subject')
})
