import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ParameterError } from '../errors/RiskError.ts'
import { interestUp, type LoanTerms, loanSchedule, yearSeconds } from './schedule.ts'

const month = 2_592_000
const terms: LoanTerms = {
  draws: [{ at: 0, amount: 240_000_000_000n }],
  rateBps: 1200,
  period: month,
  rampPeriods: 3,
  periods: 24,
  amortisation: 'straight',
}

const anyTerms: fc.Arbitrary<LoanTerms> = fc
  .record({
    first: fc.bigInt({ min: 0n, max: 10n ** 24n }),
    second: fc.bigInt({ min: 0n, max: 10n ** 24n }),
    second_at: fc.integer({ min: 0, max: 100_000 }),
    rateBps: fc.integer({ min: 0, max: 8000 }),
    period: fc.integer({ min: 3600, max: 8_000_000 }),
    rampPeriods: fc.integer({ min: 0, max: 12 }),
    periods: fc.integer({ min: 1, max: 60 }),
    amortisation: fc.constantFrom('straight' as const, 'annuity' as const),
  })
  .map(({ first, second, second_at, ...rest }) => ({
    ...rest,
    draws: [
      { at: 0, amount: first },
      { at: second_at % (rest.period * Math.max(1, rest.rampPeriods)), amount: second },
    ],
  }))

describe('loanSchedule', () => {
  test('default: three months of interest alone, then equal parts', () => {
    const plan = loanSchedule(terms)
    expect(plan).toHaveLength(27)
    // 12 % on 240,000 for 30 of 365 days
    const interest = (240_000_000_000n * 1200n * 30n + 3_649_999n) / 3_650_000n
    expect(plan[0]).toEqual({ at: month, interest, principal: 0n, outstanding: 240_000_000_000n })
    expect(plan[3]?.principal).toBe(10_000_000_000n)
    expect(plan.at(-1)?.outstanding).toBe(0n)
  })

  test('default: the annuity of a textbook: 100,000 at 1 % a period over 12 is 8,884.88', () => {
    const plan = loanSchedule({
      draws: [{ at: 0, amount: 10_000_000n }],
      rateBps: 1200,
      period: yearSeconds / 12,
      rampPeriods: 0,
      periods: 12,
      amortisation: 'annuity',
    })
    for (const { interest, principal } of plan.slice(0, -1)) expect(interest + principal).toBe(888_488n)
  })

  test('behavior: a draw within the ramp bears interest from its second on', () => {
    const draws = [
      { at: 0, amount: 1_000_000n },
      { at: month + month / 2, amount: 1_000_000n },
    ]
    const plan = loanSchedule({ ...terms, draws })
    const whole = interestUp({ principal: 1_000_000n, rateBps: 1200, seconds: month })
    expect(plan[0]?.interest).toBe(whole)
    expect(plan[1]?.interest).toBe(interestUp({ principal: 1_500_000n, rateBps: 1200, seconds: month }))
    expect(plan[1]?.outstanding).toBe(2_000_000n)
  })

  test('behavior: principal adds up to the draws, nothing is negative, the debt never rises after the last draw', () => {
    fc.assert(
      fc.property(anyTerms, (loan) => {
        const plan = loanSchedule(loan)
        const drawn = loan.draws.reduce((sum, { amount }) => sum + amount, 0n)
        expect(plan.reduce((sum, { principal }) => sum + principal, 0n)).toBe(drawn)
        expect(plan.at(-1)?.outstanding).toBe(0n)
        let before = drawn
        for (const payment of plan.slice(loan.rampPeriods)) {
          expect(payment.principal >= 0n && payment.interest >= 0n).toBe(true)
          expect(payment.outstanding <= before).toBe(true)
          before = payment.outstanding
        }
        // Interest is rounded up: at least the exact interest, by less than one unit a payment.
        let held = 0n
        let exact = 0n
        for (const payment of plan) {
          const from = payment.at - loan.period
          for (const { at, amount } of loan.draws)
            if (at >= from && at < payment.at) exact += amount * BigInt(payment.at - at)
          exact += held * BigInt(loan.period)
          held = payment.outstanding
        }
        const units = 10_000n * BigInt(yearSeconds)
        const paid = plan.reduce((sum, { interest }) => sum + interest, 0n) * units
        const wanted = exact * BigInt(loan.rateBps)
        expect(paid >= wanted && paid < wanted + units * BigInt(plan.length)).toBe(true)
      }),
    )
  })

  test('error: ParameterError', () => {
    expect(() => loanSchedule({ ...terms, draws: [{ at: 3 * month, amount: 1n }] })).toThrow(
      'before second 7776000, when repayment begins',
    )
    expect(() => loanSchedule({ ...terms, draws: [{ at: 0, amount: -1n }] })).toThrow(ParameterError)
    expect(() => loanSchedule({ ...terms, periods: 0 })).toThrow(ParameterError)
    expect(() => loanSchedule({ ...terms, rateBps: 0.5 })).toThrow(ParameterError)
    expect(() => interestUp({ principal: 1n, rateBps: 1, seconds: -1 })).toThrow(ParameterError)
  })
})
