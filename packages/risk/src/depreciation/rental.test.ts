import { describe, expect, test } from 'vitest'
import { ParameterError } from '../errors/RiskError.ts'
import { expectedRental, type RentalProcess, rentalPath } from './rental.ts'

const process: RentalProcess = {
  price: 2.35,
  drift: -0.29,
  volatility: 0.4,
  jumps: { perYear: 0.8, mean: -0.25, deviation: 0.1 },
  steps: [{ years: 1.5, drop: 0.25 }],
}

describe('rentalPath', () => {
  test('default: means and variance over many paths are those of the formulas', () => {
    const n = 40_000
    const sums = new Float64Array(4)
    let logs = 0
    let squares = 0
    for (let path = 0; path < n; path++) {
      const prices = rentalPath(process, { years: 2, periods: 4, seed: 5, path })
      for (let at = 0; at < 4; at++) sums[at] = (sums[at] ?? 0) + (prices[at] ?? 0)
      const log = Math.log(prices[0] ?? 1)
      logs += log
      squares += log * log
    }
    for (const [at, years] of [0.5, 1, 1.5, 2].entries()) {
      const wanted = expectedRental(process, years)
      expect(Math.abs((sums[at] ?? 0) / n / wanted - 1)).toBeLessThan(0.025)
    }
    const variance = squares / n - (logs / n) ** 2
    // σ²t + λt(m² + s²), Merton (1976)
    expect(variance).toBeCloseTo(0.16 * 0.5 + 0.4 * (0.0625 + 0.01), 2)
  })

  test('behavior: a seed repeats, paths differ, prices stay above zero', () => {
    const options = { years: 3, periods: 36, seed: 9 }
    expect(rentalPath(process, options)).toEqual(rentalPath(process, options))
    expect(rentalPath(process, { ...options, path: 1 })).not.toEqual(rentalPath(process, options))
    expect(Math.min(...rentalPath(process, options))).toBeGreaterThan(0)
  })

  test('behavior: without chance it is the drift', () => {
    const flat = { price: 2, drift: -0.25, volatility: 0, steps: [{ years: 1, drop: 0.5 }] }
    const [, second] = rentalPath(flat, { years: 1, periods: 2, seed: 1 })
    expect(second).toBeCloseTo(2 * Math.exp(-0.25) * 0.5, 12)
  })

  test('error: ParameterError', () => {
    expect(() => rentalPath({ ...process, price: 0 }, { years: 1, periods: 1, seed: 1 })).toThrow(
      ParameterError,
    )
    expect(() => rentalPath(process, { years: 1, periods: 0, seed: 1 })).toThrow(ParameterError)
    expect(() => expectedRental(process, -1)).toThrow(ParameterError)
  })
})
