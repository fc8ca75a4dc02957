import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { MatrixError, ParameterError } from '../errors/RiskError.ts'
import { type Matrix, multiply, symmetricEigen, symmetricRoot } from '../maths/matrix.ts'
import { createRandom } from '../maths/random.ts'
import { absorptionRatio, absorptionShift, covarianceOf } from './absorption.ts'
import { effectiveBets } from './effectiveBets.ts'
import { type Exposure, effectiveNames, herfindahl, lookThrough } from './herfindahl.ts'

/** A covariance of `n` columns that is positive definite. */
function randomCovariance(seed: number, n: number): Matrix {
  const random = createRandom(seed, n)
  const rows = Array.from({ length: n }, () => Array.from({ length: n + 3 }, () => random.normal()))
  return rows.map((a) => rows.map((b) => a.reduce((sum, value, k) => sum + value * (b[k] ?? 0), 0) / n))
}
const covariances = fc
  .tuple(fc.integer({ min: 1, max: 9 }), fc.nat(1e6))
  .map(([n, seed]) => randomCovariance(seed, n))

describe('herfindahl, effectiveNames', () => {
  test('default', () => {
    expect(herfindahl([50, 30, 20])).toBeCloseTo(0.38, 12)
    expect(effectiveNames([1, 1, 1, 1])).toBeCloseTo(4, 12)
    expect([herfindahl([]), herfindahl([0, 0])]).toEqual([1, 1])
  })

  test('behavior: between 1/n and 1, whatever the unit; merging two names never lowers it', () => {
    const exposures = fc.array(fc.double({ min: 0.01, max: 1e9, noNaN: true }), {
      minLength: 2,
      maxLength: 30,
    })
    fc.assert(
      fc.property(exposures, (amounts) => {
        const index = herfindahl(amounts)
        expect(index).toBeGreaterThanOrEqual(1 / amounts.length - 1e-12)
        expect(index).toBeLessThanOrEqual(1 + 1e-12)
        expect(herfindahl(amounts.map((amount) => amount * 7))).toBeCloseTo(index, 9)
        const [a = 0, b = 0, ...rest] = amounts
        expect(herfindahl([a + b, ...rest])).toBeGreaterThanOrEqual(index)
      }),
    )
  })

  test('error: ParameterError', () => {
    expect(() => herfindahl([1, -1])).toThrow(ParameterError)
  })
})

describe('lookThrough', () => {
  const exposures: Exposure[] = Array.from({ length: 40 }, (_, i) => ({
    amount: 100,
    names: {
      obligor: `o${i}`,
      operator: `p${i % 20}`,
      hardware: i < 30 ? 'H100' : 'H200',
      site: `s${i % 15}`,
      jurisdiction: `j${i % 12}`,
      currency: 'USDC',
      marketplace: `m${i % 11}`,
    },
  }))

  test('default: forty obligors on one chip and one currency', () => {
    const [worst, second] = lookThrough(exposures)
    expect(worst).toMatchObject({
      dimension: 'currency',
      herfindahl: 1,
      top: { name: 'USDC', share: 1 },
      alarm: true,
    })
    expect(second).toMatchObject({ dimension: 'hardware', top: { name: 'H100', share: 0.75 }, alarm: true })
    expect(lookThrough(exposures).find(({ dimension }) => dimension === 'obligor')?.alarm).toBe(false)
  })

  test('error: ParameterError', () => {
    expect(() => lookThrough([])).toThrow('The total exposure is "0"')
  })
})

describe('symmetricEigen, symmetricRoot', () => {
  test('behavior: vectors and values make the matrix again, the root squares to it', () => {
    fc.assert(
      fc.property(covariances, (matrix) => {
        const { values, vectors } = symmetricEigen(matrix)
        const size = values[0] ?? 1
        const { root, inverse } = symmetricRoot(matrix)
        const square = multiply(root, root)
        const one = multiply(root, inverse)
        for (const [i, row] of matrix.entries())
          for (const [j, value] of row.entries()) {
            const made = values.reduce(
              (sum, l, k) => sum + l * (vectors[k]?.[i] ?? 0) * (vectors[k]?.[j] ?? 0),
              0,
            )
            expect(Math.abs(made - value)).toBeLessThan(1e-12 * size)
            expect(Math.abs((square[i]?.[j] ?? 0) - value)).toBeLessThan(1e-11 * size)
            expect(one[i]?.[j]).toBeCloseTo(i === j ? 1 : 0, 6)
          }
        expect(values.toSorted((a, b) => b - a)).toEqual(values)
      }),
    )
  })

  test('error: MatrixError', () => {
    expect(() => symmetricEigen([[1, 2]])).toThrow('The matrix has a row of 2 in 1 rows.')
    expect(() =>
      symmetricEigen([
        [1, 2],
        [3, 1],
      ]),
    ).toThrow('is not symmetric at 0, 1')
    expect(() => symmetricEigen([[Number.NaN]])).toThrow(MatrixError)
    expect(() =>
      symmetricRoot([
        [1, 1],
        [1, 1],
      ]),
    ).toThrow('is not positive definite')
  })
})

describe('effectiveBets', () => {
  test('default: four European indices in equal parts are 3.980549 bets, as the R package uncorbets says', () => {
    // Standard deviations and correlations of the log returns of R's EuStockMarkets, to seven digits.
    const deviations = [0.01030084, 0.009250036, 0.01103088, 0.007957728]
    const correlations = [
      [1, 0.7031219, 0.7344304, 0.6394674],
      [0.7031219, 1, 0.6160454, 0.5847791],
      [0.7344304, 0.6160454, 1, 0.6485679],
      [0.6394674, 0.5847791, 0.6485679, 1],
    ]
    const covariance = correlations.map((row, i) =>
      row.map((value, j) => value * (deviations[i] ?? 0) * (deviations[j] ?? 0)),
    )
    const { bets, illusion } = effectiveBets({ weights: [0.25, 0.25, 0.25, 0.25], covariance })
    expect(Math.abs(bets - 3.980549)).toBeLessThan(1e-5)
    expect(illusion).toBeCloseTo(bets / 4, 12)
  })

  test('default: uncorrelated positions are as many bets as their variances say', () => {
    const covariance = [
      [4, 0],
      [0, 1],
    ]
    expect(effectiveBets({ weights: [1, 2], covariance }).bets).toBeCloseTo(2, 9)
    expect(effectiveBets({ weights: [1, 0], covariance }).bets).toBeCloseTo(1, 9)
  })

  test('behavior: shares add up to one, bets lie between 1 and n, and no unit of a position matters', () => {
    fc.assert(
      fc.property(covariances, fc.nat(1e6), (covariance, seed) => {
        const random = createRandom(seed, 1)
        const weights = covariance.map(() => 0.05 + random.uniform())
        const { bets, shares } = effectiveBets({ weights, covariance })
        expect(shares.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 12)
        expect(bets).toBeGreaterThanOrEqual(1 - 1e-12)
        expect(bets).toBeLessThanOrEqual(weights.length)
        const units = covariance.map(() => 0.1 + 10 * random.uniform())
        const other = effectiveBets({
          weights: weights.map((weight, i) => weight / (units[i] ?? 1)),
          covariance: covariance.map((row, i) =>
            row.map((value, j) => value * (units[i] ?? 1) * (units[j] ?? 1)),
          ),
        })
        expect(other.bets).toBeCloseTo(bets, 5)
      }),
      { numRuns: 60 },
    )
  })

  test('error: MatrixError', () => {
    expect(() =>
      effectiveBets({
        weights: [1],
        covariance: [
          [1, 0],
          [0, 1],
        ],
      }),
    ).toThrow('has 2 rows for 1 weights')
    expect(() =>
      effectiveBets({
        weights: [1, 1],
        covariance: [
          [1, 1],
          [1, 1],
        ],
      }),
    ).toThrow(MatrixError)
    expect(() => effectiveBets({ weights: [1], covariance: [[0]] })).toThrow(
      'variance that is not above zero',
    )
    expect(() => effectiveBets({ weights: [0], covariance: [[1]] })).toThrow(ParameterError)
  })
})

describe('absorption', () => {
  test('default: one factor absorbs what it explains', () => {
    const covariance = Array.from({ length: 5 }, (_, i) =>
      Array.from({ length: 5 }, (__, j) => (i === j ? 1 : 0.6)),
    )
    // Eigenvalues 1 + 4·0.6 and four times 0.4.
    expect(absorptionRatio(covariance)).toBeCloseTo(3.4 / 5, 12)
    expect(absorptionRatio(covariance, 5)).toBeCloseTo(1, 12)
  })

  test('default: a jump of the ratio within the last days raises the alarm', () => {
    const calm = Array.from({ length: 250 }, (_, i) => 0.6 + 0.01 * Math.sin(i))
    expect(Math.abs(absorptionShift(calm))).toBeLessThan(0.5)
    expect(absorptionShift([...calm, ...Array(15).fill(0.7)])).toBeGreaterThan(1)
    expect(absorptionShift(Array(250).fill(0.5))).toBe(0)
  })

  test('behavior: covarianceOf is the sample’s, and shrinking leaves variances', () => {
    const rows = [
      [1, 2],
      [2, 1],
      [3, 6],
    ]
    expect(covarianceOf(rows)).toEqual([
      [1, 2],
      [2, 7],
    ])
    expect(covarianceOf(rows, 1)).toEqual([
      [1, 0],
      [0, 7],
    ])
  })

  test('error: ParameterError, MatrixError', () => {
    expect(() => covarianceOf([[1]])).toThrow(ParameterError)
    expect(() => covarianceOf([[1], [1, 2]])).toThrow(MatrixError)
    expect(() => absorptionRatio([[0]])).toThrow('has no variance')
    expect(() => absorptionShift([1, 2], { short: 1, long: 3 })).toThrow('at least 3')
  })
})
