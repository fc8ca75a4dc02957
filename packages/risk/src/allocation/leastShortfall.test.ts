import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { MatrixError, ParameterError } from '../errors/RiskError.ts'
import { createRandom } from '../maths/random.ts'
import { leastShortfall, shortfallOf } from './leastShortfall.ts'

/** Scenarios of a seed: normal returns with a common part, and a crash in a twentieth of them that hits some columns only. */
function scenariosOf(seed: number, rows: number, columns: number) {
  const random = createRandom(seed, columns)
  return Array.from({ length: rows }, () => {
    const market = random.normal()
    const isCrash = random.uniform() < 0.05
    return Array.from({ length: columns }, (_, column) => {
      const usual = 0.01 + 0.02 * column + 0.05 * (0.5 * market + random.normal())
      return isCrash && column % 2 === 0 ? usual - 0.3 : usual
    })
  })
}

/** All weights in steps of `1 / parts`. */
function* gridOf(columns: number, parts: number, left = parts): Generator<readonly number[]> {
  if (columns === 1) {
    yield [left / parts]
    return
  }
  for (let part = 0; part <= left; part++)
    for (const rest of gridOf(columns - 1, parts, left - part)) yield [part / parts, ...rest]
}

describe('shortfallOf', () => {
  test('default: the mean of the worst, the one at the edge in part', () => {
    const scenarios = [[0.1], [-0.2], [0], [-0.4]]
    expect(shortfallOf(scenarios, [1], 0.75)).toBeCloseTo(0.4, 12)
    // The worst, and half of the second.
    expect(shortfallOf(scenarios, [1], 0.625)).toBeCloseTo((0.4 + 0.5 * 0.2) / 1.5, 12)
    expect(shortfallOf(scenarios, [1], 0)).toBeCloseTo(0.125, 12)
  })

  test('error: MatrixError, ParameterError', () => {
    expect(() => shortfallOf([], [], 0.9)).toThrow(MatrixError)
    expect(() => shortfallOf([[1, 2], [1]], [1, 0], 0.9)).toThrow(MatrixError)
    expect(() => shortfallOf([[1, 2]], [1], 0.9)).toThrow(ParameterError)
    expect(() => shortfallOf([[1]], [1], 1)).toThrow(ParameterError)
  })
})

describe('leastShortfall', () => {
  test('default: two that are each other’s mirror cancel', () => {
    const scenarios = [0.3, -0.1, 0.2, -0.4].map((up) => [0.01 + up, 0.01 - up])
    const { weights, shortfall, lowerBound } = leastShortfall(scenarios)
    expect(weights[0]).toBeCloseTo(0.5, 9)
    expect(shortfall).toBeCloseTo(-0.01, 9)
    expect(lowerBound).toBeCloseTo(-0.01, 9)
  })

  test.each([1, 2, 3, 4, 5, 6])('default: no weights of a fine grid are better (seed %i)', (seed) => {
    const scenarios = scenariosOf(seed, 60, 3)
    const [confidence, caps] = [0.9, [0.5, 0.8, 0.6]]
    const found = leastShortfall(scenarios, { confidence, caps })
    let best = Number.POSITIVE_INFINITY
    for (const weights of gridOf(3, 100)) {
      if (weights.some((weight, at) => weight > (caps[at] ?? 0) + 1e-12)) continue
      best = Math.min(best, shortfallOf(scenarios, weights, confidence))
    }
    expect(found.shortfall).toBeLessThanOrEqual(best + 1e-12)
    // And the grid comes near: a step of a hundredth moves the loss by a hundredth of a return.
    expect(found.shortfall).toBeGreaterThan(best - 0.02)
    expect(found.shortfall - found.lowerBound).toBeLessThan(1e-8)
  })

  test.each([7, 8, 9])('default: with a least return, as a grid of those that reach it (seed %i)', (seed) => {
    const scenarios = scenariosOf(seed, 40, 3)
    const confidence = 0.8
    const means = [0, 1, 2].map((column) => scenarios.reduce((sum, row) => sum + (row[column] ?? 0), 0) / 40)
    const leastReturn = 0.7 * Math.max(...means) + 0.3 * Math.min(...means)
    const found = leastShortfall(scenarios, { confidence, leastReturn })
    expect(found.meanReturn).toBeGreaterThanOrEqual(leastReturn - 1e-9)
    let best = Number.POSITIVE_INFINITY
    for (const weights of gridOf(3, 100)) {
      const mean = weights.reduce((sum, weight, at) => sum + weight * (means[at] ?? 0), 0)
      if (mean >= leastReturn) best = Math.min(best, shortfallOf(scenarios, weights, confidence))
    }
    expect(found.shortfall).toBeLessThanOrEqual(best + 1e-9)
    expect(found.shortfall - found.lowerBound).toBeLessThan(1e-8)
  })

  test('behavior: whatever the scenarios, the limits hold, the bound is met and no random weights are better', () => {
    const value = fc.integer({ min: -20, max: 20 }).map((whole) => whole / 20)
    const matrix = fc
      .tuple(fc.integer({ min: 2, max: 6 }), fc.integer({ min: 1, max: 25 }))
      .chain(([columns, rows]) =>
        fc.array(fc.array(value, { minLength: columns, maxLength: columns }), {
          minLength: rows,
          maxLength: rows,
        }),
      )
    fc.assert(
      fc.property(matrix, fc.integer({ min: 0, max: 19 }), fc.integer(), (scenarios, part, seed) => {
        const columns = scenarios[0]?.length ?? 0
        const random = createRandom(seed, 0)
        const caps = Array.from({ length: columns }, () => 1 / columns + random.uniform() * (1 - 1 / columns))
        const confidence = part / 20
        const { weights, shortfall, lowerBound } = leastShortfall(scenarios, { confidence, caps })
        expect(weights.reduce((sum, weight) => sum + weight, 0)).toBeCloseTo(1, 9)
        for (const [at, weight] of weights.entries()) {
          expect(weight).toBeGreaterThanOrEqual(0)
          expect(weight).toBeLessThanOrEqual((caps[at] ?? 0) + 1e-9)
        }
        expect(shortfall).toBeCloseTo(shortfallOf(scenarios, weights, confidence), 9)
        expect(shortfall - lowerBound).toBeLessThan(1e-7)
        for (let count = 0; count < 20; count++) {
          const drawn = caps.map((cap) => random.uniform() * cap)
          const sum = drawn.reduce((total, weight) => total + weight, 0)
          const other = drawn.map((weight) => weight / sum)
          if (other.some((weight, at) => weight > (caps[at] ?? 0))) continue
          expect(shortfall).toBeLessThanOrEqual(shortfallOf(scenarios, other, confidence) + 1e-9)
        }
      }),
      { numRuns: 200 },
    )
  })

  test('behavior: forty names and two thousand scenarios, with a bound that is met', () => {
    const scenarios = scenariosOf(11, 2_000, 40)
    const { shortfall, lowerBound, weights } = leastShortfall(scenarios, {
      caps: Array.from({ length: 40 }, () => 0.1),
    })
    expect(shortfall - lowerBound).toBeLessThan(1e-6)
    expect(Math.max(...weights)).toBeLessThanOrEqual(0.1 + 1e-9)
    // Far better than an equal part of each.
    expect(shortfall).toBeLessThan(
      shortfallOf(
        scenarios,
        Array.from({ length: 40 }, () => 1 / 40),
        0.95,
      ),
    )
  })

  test('error: ParameterError for limits that cannot be kept', () => {
    const scenarios = [
      [0.1, 0.2],
      [0, 0.1],
    ]
    expect(() => leastShortfall(scenarios, { caps: [0.4, 0.5] })).toThrow('sum of the caps')
    expect(() => leastShortfall(scenarios, { caps: [1] })).toThrow('number of caps')
    expect(() => leastShortfall(scenarios, { leastReturn: 0.2 })).toThrow('least return')
    expect(() => leastShortfall(scenarios, { confidence: 1 })).toThrow(ParameterError)
    expect(() => leastShortfall(scenarios, { maxCuts: 0 })).toThrow(ParameterError)
  })
})
