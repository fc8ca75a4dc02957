import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ParameterError } from '../errors/RiskError.ts'
import { coverageOf, sweepStates, trailingCoverage } from './coverage.ts'
import { runLoan } from './runLoan.ts'
import { type LoanTerms, loanSchedule } from './schedule.ts'

const terms: LoanTerms = {
  draws: [{ at: 0, amount: 120_000_000n }],
  rateBps: 1200,
  period: 2_592_000,
  rampPeriods: 2,
  periods: 12,
  amortisation: 'straight',
}
const covenant = { trigger: 1.25, goodDates: 2 }
const months = (revenues: readonly bigint[]) => revenues.map((revenue) => ({ revenue, costs: 1_000_000n }))

describe('coverageOf and trailingCoverage', () => {
  test('default', () => {
    expect(coverageOf({ revenue: 15_000n, costs: 3_000n, due: 9_000n })).toBeCloseTo(4 / 3, 11)
    expect(coverageOf({ revenue: 0n, costs: 3n, due: 2n })).toBe(-1.5)
    expect(coverageOf({ revenue: 0n, costs: 3n, due: 0n })).toBe(Number.POSITIVE_INFINITY)
    const periods = [
      { revenue: 10n, costs: 0n, due: 10n },
      { revenue: 30n, costs: 0n, due: 10n },
      { revenue: 20n, costs: 0n, due: 10n },
    ]
    expect(trailingCoverage(periods, 2)).toEqual([1, 2, 2.5])
  })

  test('error: ParameterError', () => {
    expect(() => coverageOf({ revenue: -1n, costs: 0n, due: 1n })).toThrow(ParameterError)
    expect(() => trailingCoverage([], 0)).toThrow(ParameterError)
  })
})

describe('sweepStates', () => {
  test('default: on at once, off after two good dates', () => {
    expect(sweepStates([1.5, 1.25, 1.3, 1.2, 1.3, 1.4, 1.5], covenant)).toEqual([
      'open',
      'sweep',
      'sweep',
      'sweep',
      'sweep',
      'open',
      'open',
    ])
    expect(sweepStates([1.15, 0.99, 1.6, 1.6], { trigger: 1.1, goodDates: 2, lockUp: 1.2 })).toEqual([
      'lockUp',
      'default',
      'sweep',
      'open',
    ])
  })

  test('behavior: open only if the last `goodDates` dates were good, or no date ever was bad', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0, max: 3, noNaN: true }), { maxLength: 40 }),
        fc.integer({ min: 1, max: 4 }),
        (coverages, goodDates) => {
          for (const [at, state] of sweepStates(coverages, { trigger: 1.25, goodDates }).entries()) {
            const bad = coverages.slice(0, at + 1).findLastIndex((coverage) => coverage <= 1.25)
            expect(state === 'open').toBe(bad === -1 || at - bad >= goodDates)
          }
        },
      ),
    )
    expect(sweepStates([Number.NaN], covenant)).toEqual(['default'])
  })
})

describe('runLoan', () => {
  test('default: good revenue pays to plan, and the owner gets the rest', () => {
    const plan = loanSchedule(terms)
    const run = runLoan(terms, { incomes: months(Array(14).fill(40_000_000n)), covenant, window: 3 })
    for (const [at, period] of run.entries()) {
      expect(period.interest).toBe(plan[at]?.interest)
      expect(period.principal).toBe(plan[at]?.principal)
      expect(period.arrears).toBe(0n)
      expect(period.sweep).toBe(false)
    }
  })

  test('behavior: two thin months sweep everything until two good test dates', () => {
    const revenues = [40, 40, 40, 8, 8, 40, 40, 40, 40, 40, 40, 40, 40, 40].map(
      (one) => BigInt(one) * 1_000_000n,
    )
    const run = runLoan(terms, { incomes: months(revenues), covenant, window: 1 })
    expect(run.map(({ sweep }) => sweep).slice(0, 8)).toEqual([
      false,
      false,
      false,
      true,
      true,
      true,
      false,
      false,
    ])
    // While it sweeps nothing reaches the owner; what was paid early is not due again.
    for (const [at, period] of run.entries())
      if (run[at - 1]?.sweep && period.outstanding > 0n) expect(period.owner).toBe(0n)
    expect(run[7]?.principal).toBe(0n)
    expect(run.at(-1)?.outstanding).toBe(0n)
  })

  test('behavior: every unit of revenue goes somewhere; no lower layer is paid before a higher one is whole', () => {
    const amount = fc.bigInt({ min: 0n, max: 60_000_000n })
    fc.assert(
      fc.property(
        fc.array(fc.record({ revenue: amount, costs: amount }), { minLength: 14, maxLength: 24 }),
        (incomes) => {
          const run = runLoan(terms, { incomes, covenant, window: 3 })
          let [costsOwed, interestPaid, principalPaid] = [0n, 0n, 0n]
          for (const [at, period] of run.entries()) {
            costsOwed += (incomes[at]?.costs ?? 0n) - period.costs
            interestPaid += period.interest
            principalPaid += period.principal
            expect(period.costs + period.interest + period.principal + period.owner).toBe(period.revenue)
            if (period.interest > 0n) expect(costsOwed).toBe(0n)
            if (period.owner > 0n) expect(period.arrears + costsOwed).toBe(0n)
            if (run[at - 1]?.sweep && period.owner > 0n) expect(period.outstanding).toBe(0n)
            expect(period.outstanding).toBe(120_000_000n - principalPaid)
          }
          expect(interestPaid >= 0n).toBe(true)
        },
      ),
    )
  })

  test('error: ParameterError', () => {
    expect(() => runLoan(terms, { incomes: [], covenant, window: 3 })).toThrow(
      'at least 14, one a payment of the plan',
    )
  })
})
