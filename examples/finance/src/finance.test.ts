import { describe, expect, test } from 'vitest'
import { openBooks, type TimedEvent } from './books.ts'
import { BooksDifferError } from './errors.ts'
import { tellDefaulted, tellRepaid } from './stories.ts'

/** What rounding leaves in the book when everyone has gone: a unit for each claim. */
const dust = 3n

/** What everyone has, by what they are. */
const gainOf = (parties: Awaited<ReturnType<typeof tellRepaid>>['parties'], who: string) => {
  const party = parties.find((each) => each.who === who)
  return party === undefined ? 0n : party.got - party.put
}

describe('default: three years in which every step is audited to the unit', () => {
  test('repaid: ramp, good months, a customer leaves, sweep, recovery, and all are better off', async () => {
    const { lines, parties, audited, revenue } = await tellRepaid()
    expect(lines.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['second draw', 'draw on revenue', 'a saver asks to leave', 'month 39']),
    )
    expect(lines.at(-1)).toMatchObject({ state: 'closed', principal: 0n })
    expect(lines.at(-1)?.idle).toBeLessThanOrEqual(dust)
    const swept = lines.filter(({ isSwept }) => isSwept)
    expect(swept.length).toBeGreaterThan(0)
    // While it is swept the operator gets nothing but its running costs: 42 dollars a week for each of three or eight machines.
    for (const [index, line] of swept.slice(1).entries()) {
      const before = swept[index]?.operator ?? 0n
      expect(line.operator - before).toBeLessThanOrEqual(8n * 4n * 42_000_000n + 70n * 5n * 6_000_000n)
    }
    expect(audited.steps).toBe(lines.length)
    expect(audited.checks).toBe(16 * lines.length)
    for (const who of ['saver', 'other saver', 'bold lender', 'underwriter', 'operator'])
      expect(gainOf(parties, who)).toBeGreaterThan(0n)
    expect(revenue).toBe(386_270_000_000n)
  })

  test('defaulted: sold below what is owed; first loss and junior pay, senior has its 8 % in full', async () => {
    const { lines, parties } = await tellDefaulted()
    const states = [...new Set(lines.map(({ state }) => state))]
    expect(states).toEqual(['live', 'late', 'impaired', 'defaulted', 'writtenOff'])
    const [sold, left] = lines.slice(-2)
    expect(left?.stake).toBe(0n)
    expect(left?.idle).toBeLessThanOrEqual(dust)
    expect(sold?.junior).toBeLessThan(lines.at(-3)?.junior ?? 0n)
    // 80,000 for 402 days and the seconds that the story took to run, which are none on a fast machine.
    expect(gainOf(parties, 'saver')).toBeGreaterThanOrEqual((80_000_000_000n * 8n * 402n) / 36_500n - dust)
    expect(gainOf(parties, 'bold lender')).toBeLessThan(0n)
    expect(gainOf(parties, 'underwriter')).toBeLessThan(0n)
    const lenders = parties.filter(({ as }) => as !== 'borrower')
    expect(lenders.reduce((sum, { got }) => sum + got, 0n)).toBeGreaterThan(0n)
  })
})

describe('error: BooksDifferError', () => {
  const books = () =>
    openBooks({
      terms: {
        ...{ collateral: [], clusters: ['0x', '0x', '0x'], borrower: '0x', underwriter: '0x', vendor: '0x' },
        ...{
          limit: 0n,
          firstDraws: 0n,
          ahead: 0n,
          rate: 100_000,
          premiumBps: 1_000,
          rampEnd: 0,
          maturity: 0,
        },
        ...{ revenueBps: 0, dscrBps: 0, ltvBps: 0, multipleBps: 0, coverBps: 0, obligor: '0x' },
        ...{ expiry: 0, nonce: 0n },
      },
      seniorRate: 80_000,
      worthAt: () => 0n,
    })
  const at = { blockNumber: 1n, logIndex: 0, transaction: '0x', time: 1_000 } as const
  const deposited = { ...at, type: 'deposited', line: 'junior', sender: '0x', owner: '0x' } as const
  const wrong: [string, TimedEvent][] = [
    ['shares for a deposit', { ...deposited, assets: 5n, shares: 5_000_001n }],
    ['principal after a draw', { ...at, type: 'drawn', loan: '0x', to: '0x', amount: 1n, principal: 2n }],
    [
      'interest that is not owed',
      { ...at, type: 'repaid', loan: '0x', from: null, interest: 1n, principal: 0n, since: 1_000 },
    ],
    [
      'a payment of the queue',
      { ...at, type: 'queuePaid', line: 'junior', shares: 1_000_000n, assets: 9n, waiting: 0n },
    ],
    ['a loss', { ...at, type: 'writtenOff', loan: '0x', loss: 1n, cover: 0n }],
  ]
  test.each(wrong)('for %s that does not follow from what was before', (_, event) => {
    expect(() => books().record([event])).toThrowError(BooksDifferError)
  })
})
