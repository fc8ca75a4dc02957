import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ParameterError } from '../errors/RiskError.ts'
import { bivariateNormalCdf, normalCdf, normalInverse } from './normal.ts'

describe('normalCdf', () => {
  test.each([
    // Published values: Abramowitz and Stegun, table 26.1, and tails of the complementary error function.
    [0, 0.5],
    [1, 0.841344746068543],
    [2, 0.977249868051821],
    [-3, 0.0013498980316301],
    [-10, 7.61985302416053e-24],
    [-37, 5.72557129996e-300],
  ])('default: of %d it is %d', (x, wanted) => {
    expect(Math.abs(normalCdf(x) / wanted - 1)).toBeLessThan(x < -7 ? 1e-7 : 1e-11)
  })

  test('behavior: never falls, and both tails add up to one', () => {
    fc.assert(
      fc.property(
        fc.double({ min: -40, max: 40, noNaN: true }),
        fc.double({ min: 0, max: 5, noNaN: true }),
        (x, up) => {
          expect(normalCdf(x + up)).toBeGreaterThanOrEqual(normalCdf(x) - 1e-15)
          expect(normalCdf(x) + normalCdf(-x)).toBeCloseTo(1, 14)
        },
      ),
    )
  })
})

describe('normalInverse', () => {
  test.each([
    [0.95, 1.6448536269514722],
    [0.975, 1.959963984540054],
    [0.999, 3.090232306167813],
    [0.25, -0.6744897501960817],
    [1e-20, -9.262340089798409],
  ])('default: of %d it is %d', (p, wanted) => {
    expect(normalInverse(p)).toBeCloseTo(wanted, 12)
  })

  test('behavior: undoes normalCdf', () => {
    fc.assert(
      fc.property(fc.double({ min: -8, max: 5, noNaN: true }), (x) => {
        expect(Math.abs(normalInverse(normalCdf(x)) - x)).toBeLessThan(1e-7)
      }),
    )
    expect(normalInverse(0)).toBe(Number.NEGATIVE_INFINITY)
    expect(normalInverse(1)).toBe(Number.POSITIVE_INFINITY)
  })

  test('error: ParameterError', () => {
    expect(() => normalInverse(1.5)).toThrow(ParameterError)
    expect(() => normalInverse(Number.NaN)).toThrow(
      'The probability is "NaN"; it must be a number from 0 to 1.',
    )
  })
})

describe('bivariateNormalCdf', () => {
  test('default: at the origin it is 1/4 + asin(ρ)/2π (Sheppard 1899)', () => {
    for (const correlation of [-0.999, -0.7, -0.3, 0, 0.2, 0.5, 0.9, 0.99, 0.9999])
      expect(bivariateNormalCdf({ x: 0, y: 0, correlation })).toBeCloseTo(
        0.25 + Math.asin(correlation) / (2 * Math.PI),
        10,
      )
  })

  test('behavior: agrees with the integral over one variable', () => {
    const value = fc.double({ min: -3, max: 3, noNaN: true })
    fc.assert(
      fc.property(value, value, fc.double({ min: -0.98, max: 0.98, noNaN: true }), (x, y, correlation) => {
        const steps = 4000
        let sum = 0
        for (let i = 0; i <= steps; i++) {
          const u = -9 + ((x + 9) * i) / steps
          const density = Math.exp((-u * u) / 2) / Math.sqrt(2 * Math.PI)
          const weight = i === 0 || i === steps ? 1 : i % 2 === 1 ? 4 : 2
          sum += weight * density * normalCdf((y - correlation * u) / Math.sqrt(1 - correlation ** 2))
        }
        expect(bivariateNormalCdf({ x, y, correlation })).toBeCloseTo((sum * (x + 9)) / steps / 3, 8)
      }),
      { numRuns: 60 },
    )
  })

  test('behavior: the ends', () => {
    expect(bivariateNormalCdf({ x: 1, y: 2, correlation: 1 })).toBe(normalCdf(1))
    expect(bivariateNormalCdf({ x: 1, y: -2, correlation: -1 })).toBe(0)
    expect(bivariateNormalCdf({ x: Number.POSITIVE_INFINITY, y: 0.5, correlation: 0.3 })).toBe(normalCdf(0.5))
    expect(() => bivariateNormalCdf({ x: 0, y: 0, correlation: 2 })).toThrow(ParameterError)
  })
})
