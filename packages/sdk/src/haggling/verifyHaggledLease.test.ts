import { hashMessage, zeroHash } from 'viem'
import { mnemonicToAccount } from 'viem/accounts'
import { beforeAll, describe, expect, test } from 'vitest'
import { HaggleDealError, HaggleOverError } from '../errors/haggling.ts'
import { SignatureInvalidError } from '../errors/market.ts'
import { hashOffer } from '../market/hashOffer.ts'
import type { PublishedOffer } from '../market/offer.ts'
import { signOffer } from '../market/signOffer.ts'
import { hashSpec, type Spec } from '../market/spec.ts'
import { answerHaggle, haggle } from './haggle.ts'
import { hashHaggleTerms } from './terms.ts'
import { timeDependent } from './timeDependent.ts'
import type { Haggle } from './transcript.ts'
import { type HaggledLease, verifyHaggledLease } from './verifyHaggledLease.ts'

const account = (addressIndex: number) =>
  mnemonicToAccount('test test test test test test test test test test test junk', { addressIndex })
const [buyer, seller, stranger] = [account(0), account(1), account(2)]
const now = 1_790_000_000
const domain = { chainId: 31337, market: stranger.address }
const spec: Spec = {
  version: 1,
  runner: 'sandbox',
  network: 'none',
  device: stranger.address,
  sessionKey: hashMessage('key'),
  os: 'linux',
  arch: 'x64',
  cpus: 1,
  cpuModel: 'any',
  memoryMiB: 64,
  diskMiB: 64,
  gpus: [],
}
let good: HaggledLease

beforeAll(async () => {
  const common = { ...domain, quantity: 3600n, now: () => now }
  let kept: Haggle | null = null
  const transcript = await haggle({
    ...common,
    signer: buyer,
    strategy: timeDependent({ first: 500n, reservation: 800n, shape: 1 }),
    reservation: 800n,
    call: {
      version: 1,
      salt: hashMessage('salt'),
      buyer: buyer.address,
      seller: seller.address,
      currency: stranger.address,
      subject: { type: 'lease', asset: '7', spec: hashSpec(spec) },
      quantity: { least: '3600', most: '3600' },
      maxPrice: '1000',
      maxRounds: 8,
      deadline: now + 60,
      validUntil: now + 600,
    },
    async exchange(message) {
      const strategy = timeDependent({ first: 1000n, reservation: 600n, shape: 1 })
      const side = { ...common, signer: seller, strategy, reservation: 600n, startedAt: now }
      const answered = await answerHaggle(kept, message, side)
      kept = answered.haggle
      return answered.answer
    },
  })
  const terms = transcript.proposals.at(-1)
  if (terms === undefined) throw new RangeError('they agreed')
  const offer: PublishedOffer['offer'] = {
    asset: 7n,
    buyer: buyer.address,
    pricePerHour: BigInt(terms.price),
    bond: 0n,
    minDuration: 60,
    maxDuration: 3600,
    startWindow: 60,
    expiry: terms.validUntil,
    spec: hashSpec(spec),
    terms: hashHaggleTerms(terms),
    nonce: 1n,
  }
  const signature = await signOffer(seller, offer, domain)
  const published = {
    ...domain,
    currency: stranger.address,
    operator: seller.address,
    offer,
    signature,
    spec,
    gateways: [],
  }
  const { pricePerHour, asset } = offer
  const lease = { id: hashOffer(offer, domain), asset, buyer: buyer.address, pricePerHour }
  good = { messages: transcript.messages, published, lease }
})

describe('verifyHaggledLease', () => {
  test('default: long after the deadline, the terms that both signed for', async () => {
    const terms = await verifyHaggledLease(good)
    expect(hashHaggleTerms(terms)).toBe(good.published.offer.terms)
  })

  test('error: HaggleOverError, a transcript without its end, or none', async () => {
    const cut = { ...good, messages: good.messages.slice(0, -1) }
    await expect(verifyHaggledLease(cut)).rejects.toBeInstanceOf(HaggleOverError)
    await expect(verifyHaggledLease({ ...good, messages: [] })).rejects.toThrow('of 0 messages')
  })

  test.each<[string, Partial<HaggledLease['lease']>]>([
    ['lease', { id: zeroHash }],
    ['asset of the lease', { asset: 8n }],
    ['buyer of the lease', { buyer: stranger.address }],
    ['price per hour of the lease', { pricePerHour: 1n }],
  ])('error: HaggleDealError, %s', async (field, changed) => {
    const work = verifyHaggledLease({ ...good, lease: { ...good.lease, ...changed } })
    await expect(work).rejects.toBeInstanceOf(HaggleDealError)
    await expect(work).rejects.toThrow(field)
  })

  test('error: SignatureInvalidError, a message or an offer that another signed', async () => {
    const { messages, published } = good
    const [first, ...rest] = messages
    if (first === undefined) throw new RangeError('there is a call')
    const signature = await signOffer(stranger, published.offer, domain)
    await expect(
      verifyHaggledLease({ ...good, messages: [{ ...first, signature }, ...rest] }),
    ).rejects.toBeInstanceOf(SignatureInvalidError)
    await expect(
      verifyHaggledLease({ ...good, published: { ...published, signature } }),
    ).rejects.toBeInstanceOf(SignatureInvalidError)
  })
})
