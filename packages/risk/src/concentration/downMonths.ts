import { ParameterError } from '../errors/RiskError.ts'
import { requireRange } from '../errors/require.ts'
import type { Matrix } from '../maths/matrix.ts'
import { normalCdf, normalInverse } from '../maths/normal.ts'
import { covarianceOf } from './absorption.ts'

/** How names move together when it goes badly. */
export interface DownMonths {
  /** Periods that count as bad. */
  readonly months: number
  readonly covariance: Matrix
  /** Mean correlation of two names in all periods, and in the bad ones. */
  readonly correlation: number
  readonly downCorrelation: number
  /** What the bad ones would show if all were normal with the covariance of all periods: sorting alone does that much. */
  readonly expectedCorrelation: number
}

/**
 * Covariance of the columns in the periods in which their mean was among the lowest `share`: names that seem to spread risk in common
 * months may fall as one in bad ones. Page and Taborsky, *The myth of diversification*, J. Portfolio Management 37(4) (2011), saw correlations of 17 % turn into 76 %. Choosing bad periods
 * by itself lowers correlation among normal returns, so the answer brings what they would show: by the moments of a truncated normal,
 * `Σ − (Σw)(Σw)ᵀ/σ²·(1 − v)` with `v = 1 − kλ − λ²`, as in Longin and Solnik, *Extreme correlation of international equity markets*, J. Finance 56 (2001).
 * Throws {@link MatrixError}, {@link ParameterError}.
 *
 * @example
 * downMonths(monthlyChanges, { share: 0.3, shrinkage: 0.2 }).covariance
 */
export function downMonths(
  observations: Matrix,
  options: {
    /** Of (0, 1). Default 1/3. */
    readonly share?: number
    /** As for `covarianceOf`. Default 0. */
    readonly shrinkage?: number
  } = {},
): DownMonths {
  const share = requireRange('share of bad periods', options.share ?? 1 / 3, [1e-9, 1 - 1e-9])
  const whole = covarianceOf(observations)
  const columns = whole.length
  if (columns < 2)
    throw new ParameterError({ parameter: 'number of columns', value: columns, allowed: 'at least 2' })
  const means = observations.map((row) => row.reduce((sum, value) => sum + value, 0) / columns)
  const months = Math.round(share * observations.length)
  if (months < 3)
    throw new ParameterError({ parameter: 'number of bad periods', value: months, allowed: 'at least 3' })
  const order = means.map((_, at) => at).sort((a, b) => (means[a] ?? 0) - (means[b] ?? 0) || a - b)
  const bad = order.slice(0, months).map((at) => observations[at] ?? [])
  return {
    months,
    covariance: covarianceOf(bad, options.shrinkage ?? 0),
    correlation: meanCorrelation(whole),
    downCorrelation: meanCorrelation(covarianceOf(bad)),
    expectedCorrelation: meanCorrelation(truncated(whole, months / observations.length)),
  }
}

/** Covariance of normal columns where their mean is among the lowest `share`. */
function truncated(covariance: Matrix, share: number): Matrix {
  const pulled = covariance.map((row) => row.reduce((sum, value) => sum + value, 0) / row.length)
  const variance = pulled.reduce((sum, value) => sum + value, 0) / pulled.length
  if (!(variance > 0)) return covariance
  const edge = normalInverse(share)
  const hazard = Math.exp(-(edge ** 2) / 2) / Math.sqrt(2 * Math.PI) / normalCdf(edge)
  const kept = 1 - edge * hazard - hazard ** 2
  return covariance.map((row, i) =>
    row.map((value, j) => value - (((pulled[i] ?? 0) * (pulled[j] ?? 0)) / variance) * (1 - kept)),
  )
}

/** Mean over all pairs; columns that do not move have none. */
function meanCorrelation(covariance: Matrix): number {
  let [sum, pairs] = [0, 0]
  for (const [i, row] of covariance.entries())
    for (let j = i + 1; j < row.length; j++) {
      const size = Math.sqrt((row[i] ?? 0) * (covariance[j]?.[j] ?? 0))
      if (!(size > 0)) continue
      sum += (row[j] ?? 0) / size
      pairs++
    }
  return pairs === 0 ? 0 : sum / pairs
}
