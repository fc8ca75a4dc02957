import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ParameterError } from '../errors/RiskError.ts'
import { utilisationAt } from '../utilisation/ramp.ts'
import { coveragePaths } from './coveragePaths.ts'
import { interestReserve, leastFirstLoss, revenueLimit, sweepValue } from './limit.ts'

const record = {
  months: [100n, 100n, 100n, 100n, 100n, 100n].map((one) => one * 1_000_000n),
  multiple: 3,
  payerConcentration: 0.2,
  attested: 0.9,
  circular: 0.05,
}

describe('revenueLimit', () => {
  test('default: months × revenue × what is spread, attested and not circular', () => {
    expect(revenueLimit(record)).toBe(205_200_000n)
  })

  test('behavior: the least of three means counts; a short record counts as nothing', () => {
    const last = (...tail: bigint[]) => revenueLimit({ ...record, months: [...record.months, ...tail] })
    // One month of ten times the revenue counts for a sixth: the mean of six is 250.
    expect(last(1_000_000_000n)).toBe(513_000_000n)
    expect(last(10_000_000n)).toBe(20_520_000n)
    expect(revenueLimit({ ...record, months: [100_000_000n] })).toBe(
      (205_200_000n * 16_666_666n) / 100_000_000n,
    )
    expect(revenueLimit({ ...record, months: [] })).toBe(0n)
  })

  test('behavior: more concentration or circularity never lends more, and one payer alone borrows nothing', () => {
    const share = fc.double({ min: 0, max: 1, noNaN: true })
    fc.assert(
      fc.property(share, share, share, share, (a, b, c, d) => {
        const limit = (payerConcentration: number, circular: number) =>
          revenueLimit({ ...record, payerConcentration, circular })
        expect(limit(Math.max(a, b), Math.max(c, d)) <= limit(Math.min(a, b), Math.min(c, d))).toBe(true)
      }),
    )
    expect(revenueLimit({ ...record, payerConcentration: 1 })).toBe(0n)
    expect(revenueLimit({ ...record, circular: 1 })).toBe(0n)
  })

  test('error: ParameterError', () => {
    expect(() => revenueLimit({ ...record, circular: 1.01 })).toThrow(ParameterError)
    expect(() => revenueLimit({ ...record, months: [-1n] })).toThrow(ParameterError)
  })
})

describe('interestReserve, sweepValue, leastFirstLoss', () => {
  test('default', () => {
    expect(interestReserve([])).toBe(0n)
    expect(
      interestReserve([
        { due: 900n, revenue: 200n },
        { due: 900n, revenue: 1000n },
      ]),
    ).toBe(700n)
    const value = sweepValue({ monthly: 1_000_000_000n, share: 0.7, drift: 0.6, rate: 0.12, months: 24 })
    // Σ q^k, q = e^(−0.06)
    const q = Math.exp(-0.06)
    expect(Number(value)).toBeCloseTo(0.7e9 * ((q - q ** 25) / (1 - q)), -1)
    expect(sweepValue({ monthly: 5n, share: 1, drift: 0, rate: 0, months: 3 })).toBe(15n)
    expect(leastFirstLoss(1_000_001n, 0.45)).toBe(450_001n)
  })

  test('error: ParameterError', () => {
    expect(() => sweepValue({ monthly: 1n, share: 2, drift: 0, rate: 0, months: 1 })).toThrow(ParameterError)
    expect(() => interestReserve([{ due: -1n, revenue: 0n }])).toThrow(ParameterError)
    expect(() => leastFirstLoss(-1n, 0.5)).toThrow(ParameterError)
  })
})

describe('utilisationAt', () => {
  test('default: begins at the start, reaches its plateau, never falls', () => {
    const ramp = { start: 0.1, plateau: 0.75, years: 0.5 }
    expect(utilisationAt(ramp, 0)).toBeCloseTo(0.1, 12)
    expect(utilisationAt(ramp, 0.25)).toBeCloseTo(0.1 + (0.65 * 0.45) / 0.95, 12)
    expect(utilisationAt(ramp, 0.5)).toBeCloseTo(0.1 + (0.65 * 0.9) / 0.95, 12)
    expect(utilisationAt(ramp, 10)).toBeCloseTo(0.75, 9)
    const years = fc.double({ min: 0, max: 3, noNaN: true })
    fc.assert(
      fc.property(years, years, (a, b) => {
        expect(utilisationAt(ramp, Math.max(a, b))).toBeGreaterThanOrEqual(
          utilisationAt(ramp, Math.min(a, b)),
        )
      }),
    )
  })

  test('error: ParameterError', () => {
    expect(() => utilisationAt({ start: 0.5, plateau: 0.4, years: 1 }, 0)).toThrow(
      'at least what it is at the start, 0.5',
    )
    expect(() => utilisationAt({ start: 0.5, plateau: 1.4, years: 1 }, 0)).toThrow(ParameterError)
  })
})

describe('coveragePaths', () => {
  const machine = {
    rental: {
      price: 2.35,
      drift: -0.29,
      volatility: 0.35,
      jumps: { perYear: 0.7, mean: -0.29, deviation: 0.1 },
    },
    utilisation: { start: 0.2, plateau: 0.75, years: 0.4 },
    hours: 8 * 730,
    costs: 1800,
    due: Array.from({ length: 24 }, (_, at) => (at < 3 ? 1200 : 4000)),
    periodsPerYear: 12,
  }

  test('default: quantiles in order, falling rent breaches in the end', () => {
    const { dates, everBreached } = coveragePaths(machine, { paths: 2000, seed: 1, window: 3, trigger: 1.25 })
    expect(dates).toHaveLength(24)
    for (const { p10, p50, p90 } of dates) expect(p10 <= p50 && p50 <= p90).toBe(true)
    const breaches = dates.map(({ breach }) => breach)
    expect(everBreached).toBeGreaterThanOrEqual(Math.max(...breaches))
    expect(breaches.at(-1) ?? 0).toBeGreaterThan(breaches[6] ?? 1)
  })

  test('behavior: without chance every path is the plan', () => {
    const sure = {
      ...machine,
      rental: { price: 2, drift: 0, volatility: 0 },
      utilisation: { start: 0.5, plateau: 0.5, years: 1 },
    }
    const { dates } = coveragePaths(sure, { paths: 3, seed: 1, window: 1, trigger: 1 })
    expect(dates[5]?.p10).toBeCloseTo((8 * 730 - 1800) / 4000, 9)
    expect(dates[5]?.p90).toBe(dates[5]?.p10)
  })

  test('behavior: where nothing is due nothing is breached', () => {
    const free = { ...machine, due: [0, 0, 0] }
    expect(coveragePaths(free, { paths: 10, seed: 1, window: 3, trigger: 1.25 }).everBreached).toBe(0)
  })

  test('error: ParameterError', () => {
    expect(() =>
      coveragePaths({ ...machine, due: [] }, { paths: 1, seed: 1, window: 1, trigger: 1 }),
    ).toThrow(ParameterError)
  })
})
