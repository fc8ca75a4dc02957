import fc from 'fast-check'
import { zeroHash } from 'viem'
import { mnemonicToAccount } from 'viem/accounts'
import { describe, expect, test } from 'vitest'
import { parse } from '../border/parse.ts'
import { addressSchema } from '../border/primitives.ts'
import { HaggleEquivocationError, HaggleStrategyError } from '../errors/haggling.ts'
import { MillraceError } from '../errors/MillraceError.ts'
import { advanceHaggle } from './advanceHaggle.ts'
import { decideHaggle } from './decideHaggle.ts'
import { agreedTerms, answerHaggle, type HaggleOptions, haggle } from './haggle.ts'
import { handleHaggle, type KeptHaggle } from './handleHaggle.ts'
import { type HaggleMessage, type HaggleSpeech, haggleMessageSchema, hashHaggleMessage } from './message.ts'
import { outsideOption } from './outsideOption.ts'
import { receiveHaggleMessage } from './receiveHaggleMessage.ts'
import { signHaggleMessage } from './signHaggleMessage.ts'
import type { Strategy } from './strategy.ts'
import { type HaggleCall, type HaggleTerms, hashHaggleCall, hashHaggleTerms } from './terms.ts'
import { timeDependent } from './timeDependent.ts'
import { titForTat } from './titForTat.ts'
import type { Haggle } from './transcript.ts'

const account = (addressIndex: number) =>
  mnemonicToAccount('test test test test test test test test test test test junk', { addressIndex })
const [buyer, seller, stranger] = [account(0), account(1), account(2)]
const market = parse(addressSchema, `0x${'11'.repeat(20)}`, 'market')
const now = 1_790_000_000
const domain = { chainId: 31337, market }
const at = { ...domain, now }
const call: HaggleCall = {
  version: 1,
  salt: `0x${'01'.repeat(32)}`,
  buyer: buyer.address,
  seller: seller.address,
  currency: market,
  subject: { type: 'lease', asset: '7', spec: `0x${'02'.repeat(32)}` },
  quantity: { least: '3600', most: '7200' },
  maxPrice: '1000000',
  maxRounds: 4,
  deadline: now + 60,
  validUntil: now + 600,
}
const termsOf = (haggle: Haggle, changed: Partial<HaggleTerms> = {}): HaggleTerms => ({
  version: 1,
  haggle: haggle.id,
  buyer: buyer.address,
  seller: seller.address,
  currency: call.currency,
  subject: call.subject,
  quantity: '3600',
  price: '900000',
  validUntil: call.validUntil,
  ...changed,
})
const begin = async (changed: Partial<HaggleCall> = {}) => {
  const speech = { act: 'call', call: { ...call, ...changed } } as const
  const message = await signHaggleMessage(buyer, speech, { ...domain, haggle: null })
  return receiveHaggleMessage(null, message, at)
}
const say = async (haggle: Haggle, speech: HaggleSpeech, signer = haggle.turn === 'buyer' ? buyer : seller) =>
  receiveHaggleMessage(haggle, await signHaggleMessage(signer, speech, { ...domain, haggle }), at)
const propose = async (haggle: Haggle, changed: Partial<HaggleTerms> = {}) =>
  say(haggle, {
    act: haggle.proposals.length === 0 ? 'propose' : 'counter',
    terms: termsOf(haggle, changed),
  })

interface Side {
  readonly strategy: Strategy
  readonly reservation: bigint
}
/** Both sides over a wire of JSON; the seller's state is kept by its own. */
async function play(bought: Side, sold: Side, options: { maxRounds: number; maxPrice?: bigint }) {
  const wanted = {
    ...call,
    maxRounds: options.maxRounds,
    maxPrice: (options.maxPrice ?? 1_000_000n).toString(),
  }
  let kept: Haggle | null = null
  const exchange: HaggleOptions['exchange'] = async (message) => {
    const read = parse(haggleMessageSchema, JSON.parse(JSON.stringify(message)), 'message')
    const side = { ...domain, ...sold, signer: seller, quantity: 3600n, now: () => now, startedAt: now }
    const answered = await answerHaggle(kept, read, side)
    kept = answered.haggle
    return answered.answer
  }
  const ended = await haggle({
    ...domain,
    ...bought,
    signer: buyer,
    quantity: 3600n,
    call: wanted,
    exchange,
    now: () => now,
  })
  return { ended, kept: kept as Haggle | null }
}
const price = fc.bigInt({ min: 0n, max: 1_000_000n })
const shape = fc.double({ min: 0.1, max: 10, noNaN: true })
const runs = { numRuns: process.env.MILLRACE_DEEP === '1' ? 1000 : 25 }

describe('default', () => {
  test('two sides agree, and hold the same transcript and the same terms', async () => {
    const { ended, kept } = await play(
      {
        strategy: timeDependent({ first: 500_000n, reservation: 800_000n, shape: 1 }),
        reservation: 800_000n,
      },
      {
        strategy: timeDependent({ first: 1_000_000n, reservation: 600_000n, shape: 1 }),
        reservation: 600_000n,
      },
      { maxRounds: 8 },
    )
    const terms = agreedTerms(ended)
    expect(ended.state).toBe('agreed')
    expect(kept?.last).toBe(ended.last)
    if (terms === null || kept === null) throw new RangeError('they agreed')
    expect(agreedTerms(kept)).toEqual(terms)
    expect(ended.messages.at(-1)?.content).toBe(hashHaggleTerms(terms))
    expect(ended.id).toBe(hashHaggleCall(ended.call))
    // Anyone can verify the transcript from its messages alone.
    let read: Haggle | null = null
    for (const message of ended.messages) read = await receiveHaggleMessage(read, message, at)
    expect(read).toEqual(ended)
  })

  test('over HTTP, calls of a service', async () => {
    const kept = new Map<string, KeptHaggle>()
    const strategy = timeDependent({ first: 100n, reservation: 40n, shape: 1 })
    const handle = handleHaggle({
      ...domain,
      signer: seller,
      now: () => now,
      store: {
        get: async (id) => kept.get(id) ?? null,
        put: async (one) => void kept.set(one.haggle.id, one),
      },
      plan: async () => ({ strategy, reservation: 40n, quantity: 10n }),
    })
    const post = async (body: string) =>
      (await handle(new Request('http://localhost/haggle', { method: 'POST', body }))).json()
    const ended = await haggle({
      ...domain,
      signer: buyer,
      now: () => now,
      call: {
        ...call,
        subject: { type: 'calls', url: 'http://localhost/answer', unit: 'token' },
        quantity: { least: '1', most: '100' },
      },
      strategy: timeDependent({ first: 20n, reservation: 80n, shape: 1 }),
      reservation: 80n,
      quantity: 10n,
      exchange: async (message) => (await post(JSON.stringify(message))).answer,
    })
    expect(agreedTerms(ended)).toMatchObject({ quantity: '10', subject: { unit: 'token' } })
    expect(kept.get(ended.id)?.haggle.last).toBe(ended.last)
    const mixed = { ...ended.messages[0], sender: buyer.address.toLowerCase().replace(/a/g, 'A') }
    expect(await post(JSON.stringify(mixed))).toEqual({ answer: ended.messages[1] })
    expect(await post('{')).toMatchObject({ error: { code: 'INVALID_INPUT' } })
    expect(await post(' '.repeat(20_000))).toMatchObject({ error: { code: 'INVALID_INPUT' } })
    const lost = await signHaggleMessage(buyer, { act: 'reject' }, { ...domain, haggle: await begin() })
    expect(await post(JSON.stringify(lost))).toMatchObject({ error: { code: 'HAGGLE_FOREIGN' } })
    // The same call again gets the same answer, not a second one.
    const again = JSON.stringify(ended.messages[0])
    expect(await post(again)).toEqual({ answer: ended.messages[1] })
  })
})

describe('behavior: properties', () => {
  test('two that concede fully agree if and only if their zones overlap', async () => {
    await fc.assert(
      fc.asyncProperty(
        price,
        price,
        shape,
        shape,
        fc.integer({ min: 1, max: 9 }),
        async (most, least, a, b, maxRounds) => {
          const { ended, kept } = await play(
            { strategy: timeDependent({ first: 0n, reservation: most, shape: a }), reservation: most },
            {
              strategy: timeDependent({ first: 1_000_000n, reservation: least, shape: b }),
              reservation: least,
            },
            { maxRounds },
          )
          expect(ended.state).toBe(most >= least ? 'agreed' : 'rejected')
          expect(kept?.last).toBe(ended.last)
        },
      ),
      runs,
    )
  })

  test('whatever the strategies, it ends, nobody goes beyond the reservation, both hold the same transcript', async () => {
    const wild = fc.array(price, { minLength: 1, maxLength: 10 })
    await fc.assert(
      fc.asyncProperty(
        wild,
        wild,
        price,
        price,
        price,
        fc.integer({ min: 1, max: 12 }),
        async (a, b, most, least, maxPrice, maxRounds) => {
          const listed =
            (prices: bigint[]): Strategy =>
            ({ own }) =>
              prices[own.length % prices.length] ?? 0n
          const { ended, kept } = await play(
            { strategy: listed(a), reservation: most },
            { strategy: listed(b), reservation: least },
            { maxRounds, maxPrice },
          )
          expect(ended.state).not.toBe('open')
          expect(kept?.last).toBe(ended.last)
          expect(ended.proposals.length).toBeLessThanOrEqual(maxRounds)
          for (const [index, terms] of ended.proposals.entries()) {
            if (index % 2 === 0) expect(BigInt(terms.price)).toBeGreaterThanOrEqual(least)
            else expect(BigInt(terms.price)).toBeLessThanOrEqual(most)
          }
          const agreed = agreedTerms(ended)
          if (agreed === null) return
          expect(BigInt(agreed.price)).toBeGreaterThanOrEqual(least)
          expect(BigInt(agreed.price)).toBeLessThanOrEqual(most)
        },
      ),
      runs,
    )
  })
})

describe('behavior: strategies', () => {
  const view = { side: 'seller', own: [], other: [], progress: 0.5 } as const
  test('time: Boulware stays firm, a conceder gives way, both end at the reservation', () => {
    const make = (shape: number) => timeDependent({ first: 1000n, reservation: 0n, shape })
    expect(make(0.5)(view)).toBe(750n)
    expect(make(1)(view)).toBe(500n)
    expect(make(2)(view)).toBeLessThan(500n)
    for (const shape of [0.5, 1, 2]) expect(make(shape)({ ...view, progress: 1 })).toBe(0n)
  })

  test('tit for tat concedes in proportion, never beyond', () => {
    const strategy = titForTat({ first: 1000n, reservation: 700n })
    expect(strategy(view)).toBe(1000n)
    expect(strategy({ ...view, own: [1000n], other: [500n] })).toBe(1000n)
    expect(strategy({ ...view, own: [1000n], other: [450n, 500n] })).toBe(900n)
    expect(strategy({ ...view, own: [1000n], other: [100n, 500n] })).toBe(700n)
  })

  test('the market is the better limit', () => {
    const prices = [850n, 870n]
    expect(outsideOption({ side: 'buyer', limit: 900n, prices })).toBe(850n)
    expect(outsideOption({ side: 'seller', limit: 860n, prices })).toBe(870n)
    expect(outsideOption({ side: 'seller', limit: 900n, prices: [] })).toBe(900n)
  })

  test('a seller rejects a call below its limit, even with rounds left', async () => {
    const side = { side: 'seller', strategy: () => 2_000_000n, reservation: 2_000_000n } as const
    const state = await begin()
    expect(decideHaggle(state, { ...side, quantity: 1n, startedAt: now, now })).toEqual({ act: 'reject' })
  })

  test('error: HaggleStrategyError', () => {
    expect(() => timeDependent({ first: -1n, reservation: 0n, shape: 1 })).toThrow(HaggleStrategyError)
    expect(() => timeDependent({ first: 1n, reservation: 0n, shape: 0 })).toThrow(HaggleStrategyError)
    expect(() => titForTat({ first: 1n, reservation: -1n })).toThrow(HaggleStrategyError)
  })
})

describe('error: every refusal has its code', () => {
  const refused = async (work: Promise<unknown>) => {
    const error = await work.then(
      () => null,
      (thrown: unknown) => thrown,
    )
    return error instanceof MillraceError ? error.code : error
  }

  const sign = (haggle: Haggle | null, speech: HaggleSpeech, signer = seller) =>
    signHaggleMessage(signer, speech, { ...domain, haggle })
  const take = (haggle: Haggle | null, message: HaggleMessage, when = now) =>
    refused(receiveHaggleMessage(haggle, message, { ...domain, now: when }))

  test('turn, chain, act, other haggle, over', async () => {
    const open = await begin()
    expect(await take(open, await sign(open, { act: 'reject' }, stranger))).toBe('HAGGLE_TURN')
    const twice = await sign(open, { act: 'reject' }, buyer)
    expect(await take(open, twice)).toBe('HAGGLE_TURN')
    expect(await take(open, await sign({ ...open, last: zeroHash }, { act: 'reject' }))).toBe('HAGGLE_CHAIN')
    expect(await take(open, await sign(open, { act: 'counter', terms: termsOf(open) }))).toBe('HAGGLE_ACT')
    expect(await take(null, await sign(open, { act: 'reject' }))).toBe('HAGGLE_ACT')
    const other = await begin({ salt: zeroHash })
    expect(await take(open, await sign(other, { act: 'reject' }))).toBe('HAGGLE_FOREIGN')
    const proposed = await propose(open)
    expect(await take(other, proposed.messages[1] as HaggleMessage)).toBe('HAGGLE_FOREIGN')
    expect(await take(open, await sign(open, { act: 'propose', terms: termsOf(other) }))).toBe(
      'HAGGLE_FOREIGN',
    )
    const over = await say(open, { act: 'reject' })
    expect(await take(over, await sign(over, { act: 'reject' }, buyer))).toBe('HAGGLE_OVER')
  })

  test('deadline and rounds', async () => {
    const open = await begin({ maxRounds: 2 })
    const proposal = await sign(open, { act: 'propose', terms: termsOf(open) })
    expect(await take(open, proposal, call.deadline)).toBeNull()
    expect(await take(open, proposal, call.deadline + 1)).toBe('HAGGLE_DEADLINE')
    expect(await take(null, open.messages[0] as HaggleMessage, call.deadline + 1)).toBe('HAGGLE_DEADLINE')
    const full = await propose(await propose(open))
    expect(await refused(propose(full))).toBe('HAGGLE_ROUNDS')
    expect((await say(full, { act: 'accept' })).state).toBe('agreed')
  })

  test('content, signature, nothing proposed', async () => {
    const open = await begin()
    const good = await sign(open, { act: 'propose', terms: termsOf(open) })
    if (good.act !== 'propose') throw new RangeError('it proposes')
    const altered = { ...good, terms: { ...good.terms, price: '1' } }
    expect(await take(open, altered)).toBe('HAGGLE_CONTENT')
    expect(await take(open, { ...good, content: zeroHash })).toBe('SIGNATURE_INVALID')
    expect(await take(open, { ...good, sender: buyer.address })).toBe('SIGNATURE_INVALID')
    expect(await take(open, await sign(open, { act: 'accept' }))).toBe('HAGGLE_NOT_PROPOSED')
    const second = await propose(await propose(open), { price: '1' })
    const stale = { ...second, proposals: second.proposals.slice(0, 1) }
    expect(await take(second, await sign(stale, { act: 'accept' }))).toBe('HAGGLE_NOT_PROPOSED')
  })

  test.each<[string, Partial<HaggleTerms>]>([
    ['price', { price: '1000001' }],
    ['quantity, too little', { quantity: '3599' }],
    ['quantity, too much', { quantity: '7201' }],
    ['currency', { currency: buyer.address }],
    ['buyer', { buyer: stranger.address }],
    ['seller', { seller: stranger.address }],
    ['subject', { subject: { type: 'lease', asset: '8', spec: zeroHash } }],
    ['last second', { validUntil: now }],
  ])('terms outside the call: %s', async (_, changed) => {
    expect(await refused(propose(await begin(), changed))).toBe('HAGGLE_BOUNDS')
  })

  test.each<[string, Partial<HaggleCall>]>([
    ['one account on both sides', { seller: buyer.address }],
    ['no quantity', { quantity: { least: '2', most: '1' } }],
    ['void before the deadline', { validUntil: now }],
  ])('a call that makes no sense: %s', async (_, changed) => {
    expect(await refused(begin(changed))).toBe('HAGGLE_BOUNDS')
  })

  test('HaggleEquivocationError carries a proof; the same message again is no fault', async () => {
    const open = await begin()
    const proposed = await propose(open)
    expect(advanceHaggle(proposed, proposed.messages[1] as HaggleMessage, at)).toBe(proposed)
    const second = await sign(open, { act: 'propose', terms: termsOf(open, { price: '1' }) })
    const thrown = await receiveHaggleMessage(proposed, second, at).catch((error: unknown) => error)
    expect(thrown).toBeInstanceOf(HaggleEquivocationError)
    expect(thrown).toMatchObject({
      details: {
        sender: seller.address,
        first: { hash: proposed.last, signature: proposed.messages[1]?.signature },
        second: { hash: hashHaggleMessage(second, domain), signature: second.signature },
      },
    })
    // Without the sender's own signature it is no equivocation.
    expect(await take(proposed, { ...second, signature: '0x' })).toBe('SIGNATURE_INVALID')
  })

  test('a silent or repeating seller ends the haggle with an error', async () => {
    const options = { ...domain, signer: buyer, call, quantity: 1n, now: () => now }
    const bought = { strategy: () => 1n, reservation: 1n }
    expect(await refused(haggle({ ...options, ...bought, exchange: async () => null }))).toBe('HAGGLE_OVER')
    expect(await refused(haggle({ ...options, ...bought, exchange: async (message) => message }))).toBe(
      'HAGGLE_OVER',
    )
  })

  test('the schema is closed', () => {
    const read = (value: unknown) => () => parse(haggleMessageSchema, value, 'message')
    expect(read({ act: 'bribe' })).toThrow(MillraceError)
    expect(read({ act: 'call', call: { ...call, extra: 1 } })).toThrow(MillraceError)
  })
})
