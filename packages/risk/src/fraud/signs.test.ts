import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ParameterError } from '../errors/RiskError.ts'
import { createCycleSearch } from './cycles.ts'
import { createFundingFlow } from './fundingFlow.ts'
import { createLedger } from './ledger.ts'
import { checkMeter, type MeterReading } from './meter.ts'
import { revenueSignals } from './signals.ts'

type Row = readonly [time: number, from: string, to: string, amount: number]
const ledgerOf = (rows: readonly Row[]) => {
  const ledger = createLedger(1n)
  ledger.add(
    rows.map(([time, from, to, amount], at) => ({ id: `t${at}`, time, from, to, amount: BigInt(amount) })),
  )
  return ledger
}
const question = {
  asset: 'asset',
  related: ['owner'],
  from: 0,
  to: 10_000,
  window: 1000,
  maxLength: 6,
  hubDegree: 64,
}
const cyclesOf = (rows: readonly Row[], change: Partial<typeof question> = {}) =>
  createCycleSearch(ledgerOf(rows), { ...question, ...change }).cycles()

const rows = fc
  .array(
    fc.tuple(
      fc.nat(3000),
      fc.constantFrom('owner', 'a', 'b', 'c', 'd', 'asset'),
      fc.constantFrom('owner', 'a', 'b', 'c', 'd', 'asset'),
      fc.integer({ min: 1, max: 50 }),
    ),
    { maxLength: 40 },
  )
  .map((all) => all.toSorted((x, y) => x[0] - y[0]))

describe('createCycleSearch', () => {
  test('default: till to owner to friend to till', () => {
    const cycles = cyclesOf([
      [1, 'asset', 'owner', 100],
      [10, 'owner', 'friend', 80],
      [30, 'friend', 'asset', 70],
    ])
    expect(cycles).toEqual([{ payment: 2, transfers: [1], units: 70, seconds: 20 }])
  })

  test('behavior: not longer than the window, nor than the longest length, nor against time', () => {
    const ring: Row[] = [
      [1, 'owner', 'a', 10],
      [2, 'a', 'b', 10],
      [3, 'b', 'c', 10],
      [900, 'c', 'asset', 10],
    ]
    expect(cyclesOf(ring)).toHaveLength(1)
    expect(cyclesOf(ring, { window: 800 })).toEqual([])
    expect(cyclesOf(ring, { maxLength: 3 })).toEqual([])
    expect(cyclesOf(ring, { maxLength: 4 })).toHaveLength(1)
    expect(
      cyclesOf([
        [1, 'a', 'asset', 10],
        [2, 'owner', 'a', 10],
      ]),
    ).toEqual([])
  })

  test('behavior: real paths in order of time, each unit used once, never more than was paid', () => {
    fc.assert(
      fc.property(rows, (all) => {
        const used = new Map<number, number>()
        const use = (at: number, units: number) => used.set(at, (used.get(at) ?? 0) + units)
        for (const { payment, transfers, units, seconds } of cyclesOf(all)) {
          const path = [...transfers, payment]
          for (const at of path) use(at, units)
          expect(['owner', 'asset']).toContain(all[path[0] ?? 0]?.[1])
          expect(all[payment]?.[2]).toBe('asset')
          expect(path.length).toBeLessThanOrEqual(6)
          expect(seconds).toBeLessThanOrEqual(1000)
          expect(path.toSorted((x, y) => x - y)).toEqual(path)
          for (const [at, step] of path.entries())
            if (at > 0) expect(all[path[at - 1] ?? 0]?.[2]).toBe(all[step]?.[1])
        }
        for (const [at, units] of used) expect(units).toBeLessThanOrEqual(all[at]?.[3] ?? 0)
      }),
    )
  })

  test('behavior: never more than the largest flow', () => {
    fc.assert(
      fc.property(rows, fc.integer({ min: 2, max: 6 }), (all, hubDegree) => {
        const period = { from: 1000, to: 2500, hubDegree }
        const cycled = cyclesOf(all, period).reduce((sum, { units }) => sum + units, 0)
        const flow = createFundingFlow(ledgerOf(all), {
          ...question,
          ...period,
          lookback: 1000,
          leastHubShare: 0.05,
        })
        expect(flow.payments().reduce((sum, { funded }) => sum + funded, 0)).toBeGreaterThanOrEqual(cycled)
      }),
    )
  })

  test('behavior: looking as transfers come finds what looking once does', () => {
    fc.assert(
      fc.property(rows, (all) => {
        const ledger = createLedger(1n)
        const period = { from: 1000, to: 2500 }
        const search = createCycleSearch(ledger, { ...question, ...period })
        for (const [at, [time, from, to, amount]] of all.entries()) {
          ledger.add([{ id: `t${at}`, time, from, to, amount: BigInt(amount) }])
          search.cycles()
        }
        expect(search.cycles()).toEqual(cyclesOf(all, period))
      }),
    )
  })

  test('error: ParameterError', () => {
    expect(() => cyclesOf([], { window: 0 })).toThrow(ParameterError)
    expect(() => cyclesOf([], { maxLength: 1.5 })).toThrow(ParameterError)
  })
})

describe('revenueSignals', () => {
  const week = 604_800
  const ask = (all: readonly Row[]) =>
    revenueSignals(ledgerOf(all), {
      asset: 'asset',
      related: ['owner'],
      from: 10 * week,
      to: 20 * week,
      hubDegree: 9,
    })

  test('default: concentration, age, first funders, what went back, round and regular payments', () => {
    const all: Row[] = [
      [0, 'bank', 'old', 999],
      [10 * week, 'maker', 'new', 4321],
      [10 * week + 5, 'old', 'asset', 6000],
      [10 * week + 6, 'new', 'asset', 1234],
      [10 * week + 7, 'new', 'asset', 766],
      [10 * week + 8, 'owner', 'old', 500],
    ]
    expect(ask(all)).toEqual({
      payers: 2,
      payerConcentration: 0.75 ** 2 + 0.25 ** 2,
      largestPayer: { account: 'old', share: 0.75 },
      newPayers: 0.25,
      commonFunder: { account: 'bank', share: 0.75 },
      reciprocal: 500 / 8000,
      round: 1 / 3,
      regular: 0,
    })
  })

  test('default: a payer by the clock', () => {
    const all: Row[] = Array.from({ length: 6 }, (_, at) => [10 * week + at * 3600, 'robot', 'asset', 111])
    expect(ask(all).regular).toBe(1)
    expect(ask(all.map(([time, ...rest], at) => [time + at * at * 900, ...rest])).regular).toBe(0)
  })

  test('behavior: without payments nothing', () => {
    expect(ask([])).toMatchObject({
      payers: 0,
      payerConcentration: 1,
      largestPayer: null,
      commonFunder: null,
      newPayers: 0,
    })
  })
})

describe('checkMeter', () => {
  const reading: MeterReading = {
    paidSeconds: 1000,
    receiptSeconds: 1000,
    availableSeconds: 2000,
    challengesPassed: 1,
    energyKwh: null,
    idleWatts: 100,
    busyWatts: 700,
  }

  test('default: all is supported', () => {
    expect(checkMeter(reading)).toEqual({
      ...{ paidSeconds: 1000, paid: null, supportedSeconds: 1000, supported: 1, limits: [] },
      unread: ['energy'],
    })
    expect(checkMeter({ ...reading, paidSeconds: 0 }).supported).toBe(1)
  })

  test('default: energy tells that machines rested', () => {
    // 2,000 s at rest are 0.2 MJ; half an hour of work more would be 0.6 kW × 500 s.
    const energyKwh = (2000 * 100 + 500 * 600) / 3.6e6
    const { supportedSeconds, limits } = checkMeter({ ...reading, energyKwh })
    expect(supportedSeconds).toBeCloseTo(500, 6)
    expect(limits.map(({ by }) => by)).toEqual(['energy'])
  })

  test('behavior: what nobody reads limits nothing, and is named', () => {
    const nothing = { receiptSeconds: null, availableSeconds: null, challengesPassed: null }
    expect(checkMeter({ ...reading, ...nothing })).toMatchObject({
      supported: 1,
      limits: [],
      unread: ['receipts', 'capacity', 'challenges', 'energy'],
    })
    // Energy alone does not say how long machines rested.
    expect(checkMeter({ ...reading, ...nothing, energyKwh: 0 })).toMatchObject({ supported: 1, limits: [] })
    expect(checkMeter({ ...reading, ...nothing, challengesPassed: 0.25 })).toMatchObject({
      supported: 0.25,
      limits: [{ by: 'challenges', seconds: 250 }],
    })
  })

  test('behavior: less of anything never supports more', () => {
    const share = fc.double({ min: 0, max: 1, noNaN: true })
    fc.assert(
      fc.property(share, share, share, share, (receipts, available, passed, less) => {
        const full = {
          ...reading,
          receiptSeconds: 1500 * receipts,
          availableSeconds: 2000 * available,
          challengesPassed: passed,
        }
        const { supported } = checkMeter(full)
        expect(supported >= 0 && supported <= 1).toBe(true)
        for (const name of ['receiptSeconds', 'availableSeconds', 'challengesPassed'] as const)
          expect(checkMeter({ ...full, [name]: full[name] * less }).supported).toBeLessThanOrEqual(supported)
      }),
    )
  })

  test('error: ParameterError', () => {
    expect(() => checkMeter({ ...reading, paidSeconds: -1 })).toThrow(ParameterError)
    expect(() => checkMeter({ ...reading, challengesPassed: 2 })).toThrow(ParameterError)
    expect(() => checkMeter({ ...reading, busyWatts: 1 })).toThrow('The power at work is "1"')
  })
})
