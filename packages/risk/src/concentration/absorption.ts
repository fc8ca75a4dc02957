import { MatrixError, ParameterError } from '../errors/RiskError.ts'
import { requireRange, requireWhole } from '../errors/require.ts'
import { type Matrix, symmetricEigen } from '../maths/matrix.ts'

/**
 * Covariance of columns of observations, shrunk towards its diagonal by `shrinkage`: 0 is the sample's own, 1 leaves variances only.
 * Source: Ledoit and Wolf, *Honey, I shrunk the sample covariance matrix*, J. Portfolio Management 30 (2004), with the weight given.
 * Throws {@link MatrixError}, {@link ParameterError}.
 *
 * @example
 * covarianceOf(monthlyReturns, 0.2)
 */
export function covarianceOf(observations: Matrix, shrinkage = 0): Matrix {
  const columns = observations[0]?.length ?? 0
  if (observations.length < 2)
    throw new ParameterError({
      parameter: 'number of observations',
      value: observations.length,
      allowed: 'at least 2',
    })
  requireRange('shrinkage', shrinkage, [0, 1])
  for (const row of observations)
    if (row.length !== columns || !row.every(Number.isFinite))
      throw new MatrixError({
        matrix: 'observations',
        problem: `has a row that is not ${columns} finite numbers`,
      })
  const means = Array.from(
    { length: columns },
    (_, j) => observations.reduce((sum, row) => sum + (row[j] ?? 0), 0) / observations.length,
  )
  return means.map((a, i) =>
    means.map((b, j) => {
      const sum = observations.reduce((total, row) => total + ((row[i] ?? 0) - a) * ((row[j] ?? 0) - b), 0)
      return (sum / (observations.length - 1)) * (i === j ? 1 : 1 - shrinkage)
    }),
  )
}

/**
 * Share of the total variance that the `factors` largest principal components absorb: near 1, everything moves as one.
 * Default: a fifth of the columns. Source: Kritzman, Li, Page and Rigobon, *Principal components as a measure of systemic risk*,
 * J. Portfolio Management 37(4) (2011). Throws {@link MatrixError}, {@link ParameterError}.
 *
 * @example
 * absorptionRatio(covariance)
 */
export function absorptionRatio(covariance: Matrix, factors?: number): number {
  const { values } = symmetricEigen(covariance, 'covariance')
  const count = requireWhole('number of factors', factors ?? Math.max(1, Math.round(values.length / 5)), 1)
  const total = values.reduce((sum, value) => sum + value, 0)
  if (!(total > 0)) throw new MatrixError({ matrix: 'covariance', problem: 'has no variance' })
  return values.slice(0, count).reduce((sum, value) => sum + value, 0) / total
}

/**
 * Standardised shift of the absorption ratio: `(mean of the last short − mean of the last long) / deviation of the long`.
 * Alarm above 1 in size. Source: Kritzman et al. (2011), with 15 days against a year. Throws {@link ParameterError}.
 *
 * @example
 * absorptionShift(dailyRatios, { short: 15, long: 250 })
 */
export function absorptionShift(
  ratios: readonly number[],
  windows: { readonly short: number; readonly long: number } = { short: 15, long: 250 },
): number {
  const short = requireWhole('short window', windows.short, 1)
  const long = requireWhole('long window', windows.long, short + 1)
  if (ratios.length < long)
    throw new ParameterError({
      parameter: 'number of ratios',
      value: ratios.length,
      allowed: `at least ${long}`,
    })
  const meanOf = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length
  const year = ratios.slice(-long)
  const mean = meanOf(year)
  const deviation = Math.sqrt(meanOf(year.map((value) => (value - mean) ** 2)))
  return deviation === 0 ? 0 : (meanOf(ratios.slice(-short)) - mean) / deviation
}
