import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ParameterError } from '../errors/RiskError.ts'
import { type DepreciationCurve, valueAt, worstLoanToValue } from './curve.ts'

const curves: fc.Arbitrary<DepreciationCurve> = fc.record({
  value: fc.double({ min: 1, max: 1e6, noNaN: true }),
  drift: fc.double({ min: 0, max: 1, noNaN: true }),
  steps: fc.array(
    fc.record({
      years: fc.double({ min: 0, max: 5, noNaN: true }),
      drop: fc.double({ min: 0, max: 0.9, noNaN: true }),
    }),
    { maxLength: 4 },
  ),
  health: fc.double({ min: 0.1, max: 1, noNaN: true }),
})

describe('valueAt', () => {
  test('default: drift and a generation', () => {
    expect(valueAt({ value: 30_000, drift: 0.25 }, 1)).toBeCloseTo(30_000 * 0.7788007830714049, 8)
    const curve = { value: 30_000, drift: 0.25, steps: [{ years: 1.5, drop: 0.25 }] }
    expect(valueAt(curve, 1.4999)).toBeCloseTo(30_000 * Math.exp(-0.25 * 1.4999), 8)
    expect(valueAt(curve, 1.5)).toBeCloseTo(30_000 * Math.exp(-0.375) * 0.75, 8)
  })

  test('behavior: never rises, never below zero, in proportion to the appraisal', () => {
    const years = fc.double({ min: 0, max: 6, noNaN: true })
    fc.assert(
      fc.property(curves, years, years, (curve, a, b) => {
        const [early, late] = [valueAt(curve, Math.min(a, b)), valueAt(curve, Math.max(a, b))]
        expect(late).toBeLessThanOrEqual(early)
        expect(late).toBeGreaterThan(0)
        expect(valueAt({ ...curve, value: curve.value * 2 }, a)).toBeCloseTo(2 * valueAt(curve, a), 5)
      }),
    )
  })

  test('error: ParameterError', () => {
    expect(() => valueAt({ value: 1, drift: 0.1 }, -1)).toThrow(ParameterError)
    expect(() => valueAt({ value: -1, drift: 0.1 }, 1)).toThrow(ParameterError)
    expect(() => valueAt({ value: 1, drift: Number.NaN }, 1)).toThrow('The drift per year is "NaN"')
    expect(() => valueAt({ value: 1, drift: 0, steps: [{ years: 1, drop: 1.1 }] }, 1)).toThrow(ParameterError)
  })
})

describe('worstLoanToValue', () => {
  test('default: the worst moment is just before the payment after the step', () => {
    const curve = { value: 1000, drift: 0, steps: [{ years: 1, drop: 0.5 }] }
    const balances = [
      { years: 0, principal: 400 },
      { years: 1, principal: 300 },
      { years: 2, principal: 0 },
    ]
    expect(worstLoanToValue({ curve, haircut: 0.2, balances })).toEqual({ ratio: 1, years: 1 })
  })

  test('behavior: no moment of the schedule is worse', () => {
    const principals = fc.array(fc.double({ min: 0, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 8 })
    fc.assert(
      fc.property(curves, principals, (curve, amounts) => {
        const balances = [...amounts, 0].map((principal, at) => ({ years: at / 2, principal }))
        const { ratio } = worstLoanToValue({ curve, haircut: 0.25, balances })
        for (let t = 0; t < amounts.length / 2; t += 0.05) {
          const debt = balances[Math.floor(t * 2 + 1e-9)]?.principal ?? 0
          expect(debt / (valueAt(curve, t) * 0.75)).toBeLessThanOrEqual(ratio * (1 + 1e-9))
        }
      }),
    )
  })

  test('behavior: a debt against nothing is infinite, no debt is nothing', () => {
    const curve = { value: 0, drift: 0.25 }
    expect(worstLoanToValue({ curve, haircut: 0, balances: [{ years: 0, principal: 1 }] }).ratio).toBe(
      Number.POSITIVE_INFINITY,
    )
    expect(worstLoanToValue({ curve, haircut: 0, balances: [] })).toEqual({ ratio: 0, years: 0 })
  })

  test('error: ParameterError, balances out of order', () => {
    const balances = [
      { years: 1, principal: 1 },
      { years: 0, principal: 1 },
    ]
    expect(() => worstLoanToValue({ curve: { value: 1, drift: 0 }, haircut: 0, balances })).toThrow(
      ParameterError,
    )
  })
})
