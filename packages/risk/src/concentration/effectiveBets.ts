import { MatrixError, ParameterError } from '../errors/RiskError.ts'
import { type Matrix, multiply, multiplyVector, requireSymmetric, symmetricRoot } from '../maths/matrix.ts'

/** How diversified a book really is. */
export interface EffectiveBets {
  /** Effective number of bets, of [1, n]. */
  readonly bets: number
  /** Share of the variance that each position's uncorrelated part brings; they add up to 1. */
  readonly shares: readonly number[]
  /** `bets / n`: near 1, the count of names tells the truth. */
  readonly illusion: number
}

/**
 * Effective number of bets of weights under a covariance: the exponential of the entropy of the variance's shares, after the torsion
 * that makes the positions uncorrelated while changing them least, so that bets keep their names.
 * Source: Meucci, Santangelo and Deguest, *Risk budgeting and diversification based on optimized uncorrelated factors* (2015),
 * with their exact algorithm. Throws {@link MatrixError}, {@link ParameterError}.
 *
 * @example
 * effectiveBets({ weights: [0.5, 0.5], covariance: [[0.04, 0.03], [0.03, 0.09]] }).bets
 */
export function effectiveBets(options: {
  readonly weights: readonly number[]
  readonly covariance: Matrix
}): EffectiveBets {
  const { weights, covariance } = options
  if (weights.length !== covariance.length)
    throw new MatrixError({
      matrix: 'covariance',
      problem: `has ${covariance.length} rows for ${weights.length} weights`,
    })
  const { torsion, transposedInverse } = minimumTorsion(covariance)
  const exposures = multiplyVector(transposedInverse, weights)
  const marginal = multiplyVector(torsion, multiplyVector(covariance, weights))
  const parts = exposures.map((exposure, k) => Math.max(0, exposure * (marginal[k] ?? 0)))
  const variance = parts.reduce((sum, part) => sum + part, 0)
  if (!(variance > 0))
    throw new ParameterError({ parameter: 'variance of the book', value: variance, allowed: 'above zero' })
  const shares = parts.map((part) => part / variance)
  const entropy = -shares.reduce((sum, share) => (share > 0 ? sum + share * Math.log(share) : sum), 0)
  const bets = Math.min(weights.length, Math.exp(entropy))
  return { bets, shares, illusion: bets / weights.length }
}

/** The torsion T with TΣTᵀ diagonal that is closest to no change in the positions' own units, and the inverse of its transpose. */
function minimumTorsion(covariance: Matrix): {
  readonly torsion: Matrix
  readonly transposedInverse: Matrix
} {
  requireSymmetric(covariance, 'covariance')
  const n = covariance.length
  const deviations = covariance.map((row, i) => Math.sqrt(row[i] ?? 0))
  if (deviations.some((deviation) => !(deviation > 0)))
    throw new MatrixError({ matrix: 'covariance', problem: 'has a variance that is not above zero' })
  const correlation = covariance.map((row, i) =>
    row.map((value, j) => (i === j ? 1 : value / ((deviations[i] ?? 1) * (deviations[j] ?? 1)))),
  )
  const { root: c, inverse: cInverse } = symmetricRoot(correlation, 'correlation')
  let scales: readonly number[] = deviations.map(() => 1)
  let rotated: Matrix = c
  let distance = Number.POSITIVE_INFINITY
  for (let round = 0; round < 10_000; round++) {
    const scaled = c.map((row, i) => row.map((value) => (scales[i] ?? 1) * value))
    const square = multiply(scaled, transpose(scaled))
    const q = multiply(symmetricRoot(square, 'correlation').inverse, scaled)
    scales = q.map((row, i) => row.reduce((sum, value, k) => sum + value * (c[k]?.[i] ?? 0), 0))
    rotated = q.map((row, i) => row.map((value) => (scales[i] ?? 1) * value))
    const next = Math.sqrt(
      rotated
        .flat()
        .reduce((sum, value, at) => sum + (value - (c[Math.floor(at / n)]?.[at % n] ?? 0)) ** 2, 0),
    )
    const settled = Math.abs(next - distance) <= 1e-12 * Math.max(1, next)
    distance = next
    if (settled) break
  }
  const turned = multiply(rotated, cInverse)
  const torsion = turned.map((row, i) =>
    row.map((value, j) => ((deviations[i] ?? 1) * value) / (deviations[j] ?? 1)),
  )
  // turned = S·q·c⁻¹ with q orthogonal and S diagonal, so the inverse of its transpose is S⁻¹·q·c.
  const back = multiply(
    rotated.map((row, i) => row.map((value) => value / (scales[i] ?? 1) ** 2)),
    c,
  )
  const transposedInverse = back.map((row, i) =>
    row.map((value, j) => (value * (deviations[j] ?? 1)) / (deviations[i] ?? 1)),
  )
  return { torsion, transposedInverse }
}

function transpose(matrix: Matrix): Matrix {
  return (matrix[0] ?? []).map((_, j) => matrix.map((row) => row[j] ?? 0))
}
