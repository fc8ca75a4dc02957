import fc from 'fast-check'
import { mnemonicToAccount } from 'viem/accounts'
import { describe, expect, test } from 'vitest'
import { parse } from '../border/parse.ts'
import { addressSchema } from '../border/primitives.ts'
import { agreedTerms, answerHaggle, type HaggleOptions } from './haggle.ts'
import { type HaggleOutcome, haggleBest } from './haggleBest.ts'
import { type HaggleMessage, haggleMessageSchema } from './message.ts'
import type { Strategy } from './strategy.ts'
import { timeDependent } from './timeDependent.ts'
import type { Haggle } from './transcript.ts'

const account = (addressIndex: number) =>
  mnemonicToAccount('test test test test test test test test test test test junk', { addressIndex })
const buyer = account(0)
const market = parse(addressSchema, `0x${'11'.repeat(20)}`, 'market')
const domain = { chainId: 31337, market }
const now = 1_790_000_000
const most = 800_000n

interface Seller {
  readonly strategy: Strategy
  readonly floor: bigint
  /** Messages it answers before it is gone. */
  readonly lives?: number
  /** It never answers. */
  readonly silent?: boolean
}

/** Sellers with books of their own, over a wire of JSON. */
function market_(sellers: readonly Seller[], rounds = 6) {
  const kept: (Haggle | null)[] = sellers.map(() => null)
  const heard: HaggleMessage[][] = sellers.map(() => [])
  const haggles = sellers.map((seller, index): HaggleOptions => {
    const signer = account(index + 1)
    return {
      ...{ ...domain, signer: buyer, now: () => now, quantity: 3600n, reservation: most },
      strategy: timeDependent({ first: 300_000n, reservation: most, shape: 1 }),
      call: {
        version: 1,
        salt: `0x${(index + 1).toString(16).padStart(64, '0')}`,
        ...{ buyer: buyer.address, seller: signer.address, currency: market },
        subject: { type: 'lease', asset: String(index + 1), spec: `0x${'02'.repeat(32)}` },
        quantity: { least: '3600', most: '3600' },
        ...{ maxPrice: '1000000', maxRounds: rounds, deadline: now + 60, validUntil: now + 600 },
      },
      async exchange(message) {
        const read = parse(haggleMessageSchema, JSON.parse(JSON.stringify(message)), 'message')
        if (seller.silent === true) return new Promise(() => undefined)
        if ((heard[index]?.length ?? 0) >= (seller.lives ?? Number.POSITIVE_INFINITY))
          throw new RangeError('the machine is gone')
        heard[index]?.push(read)
        const side = { ...domain, signer, quantity: 3600n, now: () => now, startedAt: now }
        const plan = { strategy: seller.strategy, reservation: seller.floor }
        const answered = await answerHaggle(kept[index] ?? null, read, { ...side, ...plan })
        kept[index] = answered.haggle
        return answered.answer
      },
    }
  })
  return { haggles, kept, heard }
}
const firm = (price: bigint): Seller => ({ strategy: () => price, floor: price })
const yielding = (floor: bigint): Seller => ({
  strategy: timeDependent({ first: 1_000_000n, reservation: floor, shape: 1 }),
  floor,
})
const priceOf = (outcome: HaggleOutcome | undefined) =>
  outcome?.type === 'ended' ? BigInt(agreedTerms(outcome.haggle)?.price ?? -1) : null

describe('haggleBest', () => {
  test('default: of several that would do the lowest is accepted, and the others are turned down', async () => {
    const { haggles, kept } = market_([firm(700_000n), firm(600_000n), firm(900_000n), firm(650_000n)])
    const { agreed, outcomes } = await haggleBest({ haggles })
    expect(agreed).toEqual([1])
    expect(priceOf(outcomes[1])).toBe(600_000n)
    expect(kept.map((one) => one?.state)).toEqual(['rejected', 'agreed', 'rejected', 'rejected'])
  })

  test('behavior: the best that fails at the last moment, or does not hold, leaves the next best', async () => {
    // It answers the call and every counter, and is gone when it is accepted.
    const first = market_([firm(700_000n), firm(600_000n), firm(650_000n)])
    await haggleBest(first)
    const lives = (first.heard[1]?.length ?? 0) - 1
    const { haggles, kept } = market_([firm(700_000n), { ...firm(600_000n), lives }, firm(650_000n)])
    const { agreed, outcomes } = await haggleBest({ haggles })
    expect(agreed).toEqual([2])
    expect(outcomes[1]).toMatchObject({ type: 'failed', error: { message: 'the machine is gone' } })
    expect(kept[0]?.state).toBe('rejected')

    const again = market_([firm(700_000n), firm(600_000n), firm(650_000n)])
    const asked: number[] = []
    const held = await haggleBest({
      ...again,
      confirm: async (_, index) => {
        asked.push(index)
        if (index === 1) return false
        if (index === 2) throw new RangeError('its offer does not hold')
        return true
      },
    })
    expect({ asked, agreed: held.agreed }).toEqual({ asked: [1, 2, 0], agreed: [0] })
    expect(held.outcomes.map(({ type }) => type)).toEqual(['ended', 'unconfirmed', 'failed'])
  })

  test('behavior: one that never answers holds up nobody for longer than patience', async () => {
    const { haggles, kept } = market_([{ ...firm(1n), silent: true }, firm(600_000n), firm(700_000n)])
    const { agreed, outcomes } = await haggleBest({ haggles, patience: 20 })
    expect(agreed).toEqual([1])
    expect(outcomes[0]).toEqual({ type: 'left' })
    expect(kept[1]?.state).toBe('agreed')
    expect(await haggleBest({ haggles: [] })).toEqual({ agreed: [], outcomes: [] })
  })

  test('behavior: whatever sellers ask and whenever they go, the buyer accepts one at most, the best there is', async () => {
    const seller = fc.record({
      floor: fc.bigInt({ min: 100_000n, max: 1_000_000n }),
      asked: fc.bigInt({ min: 100_000n, max: 1_000_000n }),
      yields: fc.boolean(),
      lives: fc.option(fc.integer({ min: 0, max: 6 }), { nil: undefined }),
    })
    await fc.assert(
      fc.asyncProperty(
        fc.array(seller, { maxLength: 5 }),
        fc.integer({ min: 1, max: 7 }),
        async (given, rounds) => {
          const sellers = given.map(({ floor, asked, yields, lives }): Seller => {
            const one = yields ? yielding(floor) : firm(asked)
            return lives === undefined ? one : { ...one, lives }
          })
          const { haggles, kept, heard } = market_(sellers, rounds)
          const { agreed, outcomes } = await haggleBest({ haggles, patience: 60_000 })
          const accepted = heard.map((messages) => messages.some(({ act }) => act === 'accept'))
          // What the buyer accepts is final: only a seller that was gone then is followed by another.
          const lasting = accepted.filter((yes, index) => yes && outcomes[index]?.type === 'ended')
          expect(lasting.length).toBeLessThanOrEqual(1)
          const prices = agreed.map((index) => priceOf(outcomes[index]) ?? -1n)
          expect(prices).toEqual([...prices].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0)))
          for (const [place, index] of agreed.entries()) {
            expect(kept[index]?.state).toBe('agreed')
            expect(prices[place]).toBeGreaterThanOrEqual(sellers[index]?.floor ?? 0n)
            expect(prices[place]).toBeLessThanOrEqual(most)
          }
          // Nobody who was there to the end, and asked less than the best from the start, was passed over.
          const [best] = prices
          for (const { strategy, floor, lives } of sellers) {
            const asks = strategy({ side: 'seller', own: [], other: [], progress: 0 })
            if (lives !== undefined || asks > most || asks < floor) continue
            expect(best).toBeDefined()
            expect(best).toBeLessThanOrEqual(asks)
          }
          for (const outcome of outcomes) expect(outcome.type).not.toBe('left')
        },
      ),
      { numRuns: process.env.MILLRACE_DEEP === undefined ? 40 : 1_000 },
    )
  })
})
