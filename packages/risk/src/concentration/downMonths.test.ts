import { describe, expect, test } from 'vitest'
import { MatrixError, ParameterError } from '../errors/RiskError.ts'
import { createRandom } from '../maths/random.ts'
import { downMonths } from './downMonths.ts'

const random = createRandom(4, 2)
const normals = (rows: number, common: number) =>
  Array.from({ length: rows }, () => {
    const market = common * random.normal()
    return Array.from({ length: 4 }, () => market + random.normal())
  })

describe('downMonths', () => {
  test('default: bad months of normal returns are correlated as the theory of truncation says', () => {
    for (const [share, common] of [
      [0.2, 1],
      [1 / 3, 0.5],
      [0.5, 2],
    ] as const) {
      const found = downMonths(normals(40_000, common), { share })
      expect(found.correlation).toBeCloseTo(common ** 2 / (1 + common ** 2), 1)
      expect(found.downCorrelation).toBeLessThan(found.correlation)
      expect(Math.abs(found.downCorrelation - found.expectedCorrelation)).toBeLessThan(0.02)
    }
  })

  test('default: names that fall as one in crashes are found out', () => {
    const rows = Array.from({ length: 2_000 }, () => {
      const crash = random.uniform() < 0.15 ? -4 * random.uniform() : 0
      return Array.from({ length: 4 }, () => random.normal() + 1.5 * crash)
    })
    const { downCorrelation, expectedCorrelation, covariance, months } = downMonths(rows, { share: 0.2 })
    expect(months).toBe(400)
    expect(downCorrelation).toBeGreaterThan(expectedCorrelation + 0.15)
    expect(covariance).toHaveLength(4)
    expect(covariance[0]?.[1]).toBeGreaterThan(0)
    // Shrinking leaves the variances.
    const shrunk = downMonths(rows, { share: 0.2, shrinkage: 1 }).covariance
    expect(shrunk[0]?.[0]).toBe(covariance[0]?.[0])
    expect(shrunk[0]?.[1]).toBe(0)
  })

  test('behavior: the bad months are those whose mean is lowest', () => {
    const rows = [
      [1, 1],
      [-3, -3],
      [-2, -4],
      [5, 5],
      [-5, -5],
      [4, 9],
    ]
    const { covariance, months } = downMonths(rows, { share: 0.5 })
    expect(months).toBe(3)
    // Of (−3, −3), (−2, −4), (−5, −5).
    expect(covariance[0]?.[0]).toBeCloseTo(7 / 3, 12)
    expect(covariance[1]?.[1]).toBeCloseTo(1, 12)
  })

  test('error: MatrixError, ParameterError', () => {
    expect(() => downMonths([[1], [2], [3]])).toThrow('number of columns')
    expect(() => downMonths(normals(8, 1), { share: 0.2 })).toThrow('number of bad periods')
    expect(() => downMonths(normals(9, 1), { share: 1 })).toThrow(ParameterError)
    expect(() => downMonths([[1, 2], [1]])).toThrow(MatrixError)
  })
})
