import { MatrixError, ParameterError } from '../errors/RiskError.ts'
import { requireWhole } from '../errors/require.ts'
import { type Matrix, symmetricEigen } from '../maths/matrix.ts'

/** One coefficient of a regression. */
export interface FactorLoading {
  /** Change of the return for a unit of the factor. */
  readonly value: number
  /** Robust standard error, in the same unit. */
  readonly error: number
  /** `value / error`: beyond 2 in size it is hardly chance. */
  readonly t: number
  /** Share of what the other factors leave unexplained that this one explains, of [0, 1]. */
  readonly partial: number
}

/** What explains returns. */
export interface FactorRegression {
  readonly observations: number
  /** Return where all factors are zero. */
  readonly alpha: FactorLoading
  /** In the order of the factors' columns. */
  readonly loadings: readonly FactorLoading[]
  /** Share of the variance explained, of [0, 1]. */
  readonly explained: number
  readonly residuals: readonly number[]
}

/**
 * Least squares of returns on factors, one row a period, with standard errors that hold where the noise is uneven or, with `lags`, where it goes on for some periods.
 * Errors: HC3 of MacKinnon and White, *Some heteroskedasticity-consistent covariance matrix estimators*, J. Econometrics 29 (1985), which for each
 * period asks what the answer would be without it; with lags, the same scores summed by Newey and West, *A simple, positive semi-definite, heteroskedasticity and
 * autocorrelation consistent covariance matrix*, Econometrica 55 (1987). Throws {@link MatrixError}, {@link ParameterError}.
 *
 * @example
 * regressFactors(monthlyChanges, { factors: rentalIndexChanges, lags: 3 }).loadings
 */
export function regressFactors(
  returns: readonly number[],
  options: { readonly factors: Matrix; readonly lags?: number },
): FactorRegression {
  const { factors } = options
  const count = factors[0]?.length ?? 0
  const lags = requireWhole('number of lags', options.lags ?? 0, 0)
  checkSizes(returns, factors)
  const rows = factors.map((row) => [1, ...row])
  const inverse = inverseOf(rows)
  const coefficients = times(inverse, crossOf(rows, returns))
  const residuals = returns.map((value, at) => value - dot(rows[at] ?? [], coefficients))
  // How far a period pulls the line towards itself; its residual is as much too small.
  const scores = rows.map((row, at) => {
    const leverage = Math.min(1 - 1e-9, dot(row, times(inverse, row)))
    return row.map((value) => (value * (residuals[at] ?? 0)) / (1 - leverage))
  })
  const variance = sandwich(inverse, scores, lags)
  const mean = returns.reduce((sum, value) => sum + value, 0) / returns.length
  const total = returns.reduce((sum, value) => sum + (value - mean) ** 2, 0)
  const left = residuals.reduce((sum, value) => sum + value ** 2, 0)
  const freedom = returns.length - count - 1
  const loadings = coefficients.map((value, at): FactorLoading => {
    const error = Math.sqrt(Math.max(0, variance[at] ?? 0))
    // What leaving the factor out would add to the unexplained.
    const alone = value ** 2 / (inverse[at]?.[at] ?? 1)
    return {
      value,
      error,
      t: error === 0 ? (value === 0 ? 0 : Math.sign(value) * Number.POSITIVE_INFINITY) : value / error,
      partial: alone + left === 0 ? 0 : alone / (alone + left),
    }
  })
  const [alpha = { value: 0, error: 0, t: 0, partial: 0 }, ...others] = loadings
  return {
    observations: freedom + count + 1,
    alpha,
    loadings: others,
    explained: total === 0 ? 0 : Math.min(1, Math.max(0, 1 - left / total)),
    residuals,
  }
}

/** Variances of the coefficients: `(XᵀX)⁻¹ S (XᵀX)⁻¹`, with the scores of periods up to `lags` apart weighed down in a line. */
function sandwich(inverse: Matrix, scores: Matrix, lags: number): readonly number[] {
  const pulled = scores.map((score) => times(inverse, score))
  return inverse.map((_, at) => {
    const one = pulled.map((row) => row[at] ?? 0)
    let sum = one.reduce((total, value) => total + value * value, 0)
    for (let lag = 1; lag <= lags; lag++) {
      let together = 0
      for (let period = lag; period < one.length; period++)
        together += (one[period] ?? 0) * (one[period - lag] ?? 0)
      sum += 2 * (1 - lag / (lags + 1)) * together
    }
    return sum
  })
}

function inverseOf(rows: Matrix): Matrix {
  const width = rows[0]?.length ?? 0
  const square = Array.from({ length: width }, (_, i) =>
    Array.from({ length: width }, (__, j) =>
      rows.reduce((sum, row) => sum + (row[i] ?? 0) * (row[j] ?? 0), 0),
    ),
  )
  // Scaled to a unit diagonal first: factors come in very different units.
  const scale = square.map((row, at) => 1 / Math.sqrt(row[at] || 1))
  const scaled = square.map((row, i) => row.map((value, j) => value * (scale[i] ?? 1) * (scale[j] ?? 1)))
  const { values, vectors } = symmetricEigen(scaled, 'factors')
  if (!((values.at(-1) ?? 0) > 1e-10 * (values[0] ?? 0)))
    throw new MatrixError({
      matrix: 'factors',
      problem: 'has a column that others, or a constant, already tell',
    })
  return square.map((_, i) =>
    square.map(
      (__, j) =>
        values.reduce((sum, value, k) => sum + ((vectors[k]?.[i] ?? 0) * (vectors[k]?.[j] ?? 0)) / value, 0) *
        (scale[i] ?? 1) *
        (scale[j] ?? 1),
    ),
  )
}

function checkSizes(returns: readonly number[], factors: Matrix): void {
  const count = factors[0]?.length ?? 0
  for (const row of factors)
    if (row.length !== count || !row.every(Number.isFinite))
      throw new MatrixError({ matrix: 'factors', problem: `has a row that is not ${count} finite numbers` })
  if (returns.length !== factors.length || !returns.every(Number.isFinite))
    throw new ParameterError({
      parameter: 'number of returns',
      value: returns.length,
      allowed: `${factors.length} finite numbers, one a row of factors`,
    })
  if (returns.length < count + 3)
    throw new ParameterError({
      parameter: 'number of observations',
      value: returns.length,
      allowed: `at least ${count + 3}, for ${count} factors`,
    })
}

function crossOf(rows: Matrix, values: readonly number[]): readonly number[] {
  return (rows[0] ?? []).map((_, at) =>
    rows.reduce((sum, row, k) => sum + (row[at] ?? 0) * (values[k] ?? 0), 0),
  )
}

function times(matrix: Matrix, vector: readonly number[]): readonly number[] {
  return matrix.map((row) => dot(row, vector))
}

function dot(a: readonly number[], b: readonly number[]): number {
  return a.reduce((sum, value, at) => sum + value * (b[at] ?? 0), 0)
}
