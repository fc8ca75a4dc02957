import { ParameterError } from '../errors/RiskError.ts'
import { requireRange } from '../errors/require.ts'

/** Simulated losses of a book over its horizon. */
export interface SimulatedLosses {
  readonly paths: number
  /** Names of the clusters, in the order of the columns of `byCluster`. */
  readonly clusters: readonly string[]
  /** Loss of each path, in the unit of the exposures. */
  readonly losses: Float64Array
  /** Loss of each path in each cluster, path by path. */
  readonly byCluster: Float64Array
}

/** What a loss distribution comes to. Money in the unit of the exposures. */
export interface LossSummary {
  readonly expected: number
  /** Standard deviation: the book's unexpected loss. */
  readonly deviation: number
  /** Standard error that `expected` would have of independent paths; of stratified ones it is smaller. */
  readonly standardError: number
  readonly confidence: number
  /** Loss that is not exceeded with probability `confidence`. */
  readonly valueAtRisk: number
  /** Mean loss of the paths beyond it. */
  readonly shortfall: number
  /** Which cluster brings which part of the shortfall; they add up to it. */
  readonly contributions: readonly { readonly cluster: string; readonly shortfall: number }[]
}

/**
 * Mean, deviation, value at risk and expected shortfall of simulated losses, and the part of each cluster in the shortfall.
 * Sources: Acerbi and Tasche, *On the coherence of expected shortfall*, J. Banking & Finance 26 (2002); contributions as in
 * Tasche, *Risk contributions and performance measurement* (1999). Throws {@link ParameterError}.
 *
 * @example
 * summariseLosses(losses, 0.99).shortfall
 */
export function summariseLosses(simulated: SimulatedLosses, confidence: number): LossSummary {
  const { losses, paths, clusters, byCluster } = simulated
  checkPaths(simulated)
  requireRange('confidence', confidence, [0, 1 - Number.EPSILON])
  const expected = losses.reduce((sum, loss) => sum + loss, 0) / paths
  const squares = losses.reduce((sum, loss) => sum + (loss - expected) ** 2, 0)
  const deviation = Math.sqrt(squares / Math.max(1, paths - 1))
  const order = Uint32Array.from(losses, (_, path) => path).sort(
    (a, b) => (losses[a] ?? 0) - (losses[b] ?? 0) || a - b,
  )
  const from = Math.min(paths - 1, Math.ceil(confidence * paths))
  const tail = order.subarray(from)
  const meanOf = (column: (path: number) => number) =>
    tail.reduce((sum, path) => sum + column(path), 0) / tail.length
  return {
    expected,
    deviation,
    standardError: deviation / Math.sqrt(paths),
    confidence,
    valueAtRisk: losses[order[Math.max(0, from - 1)] ?? 0] ?? 0,
    shortfall: meanOf((path) => losses[path] ?? 0),
    contributions: clusters.map((cluster, at) => ({
      cluster,
      shortfall: meanOf((path) => byCluster[path * clusters.length + at] ?? 0),
    })),
  }
}

/** What a tranche loses. */
export interface TrancheLoss {
  /** Expected loss, in the unit of the exposures. */
  readonly expected: number
  /** Expected loss as a share of the tranche. */
  readonly share: number
  readonly standardError: number
  /** Probability that it loses anything. */
  readonly hit: number
  /** Probability that it loses everything. */
  readonly wipedOut: number
}

/**
 * Loss of the slice from `attach` to `detach` of a book, both in the unit of the exposures: `min(max(L − a, 0), d − a)` on each path.
 * First loss, junior and senior of a facility are three such slices, from the bottom. Throws {@link ParameterError}.
 *
 * @example
 * trancheLoss(losses, { attach: 0, detach: 50_000 }) // the underwriters' first loss
 */
export function trancheLoss(
  simulated: SimulatedLosses,
  { attach, detach }: { readonly attach: number; readonly detach: number },
): TrancheLoss {
  checkPaths(simulated)
  requireRange('lower end of the tranche', attach, [0, Number.MAX_VALUE])
  if (!(detach > attach && Number.isFinite(detach)))
    throw new ParameterError({
      parameter: 'upper end of the tranche',
      value: detach,
      allowed: `above ${attach}`,
    })
  const { losses, paths } = simulated
  const size = detach - attach
  let sum = 0
  let squares = 0
  let hit = 0
  let wiped = 0
  for (const loss of losses) {
    const part = Math.min(Math.max(loss - attach, 0), size)
    sum += part
    squares += part * part
    if (part > 0) hit++
    if (part >= size) wiped++
  }
  const expected = sum / paths
  return {
    expected,
    share: expected / size,
    standardError: Math.sqrt(Math.max(0, squares / paths - expected ** 2) / paths),
    hit: hit / paths,
    wipedOut: wiped / paths,
  }
}

function checkPaths({ losses, paths, clusters, byCluster }: SimulatedLosses): void {
  if (paths > 0 && losses.length === paths && byCluster.length === paths * clusters.length) return
  throw new ParameterError({
    parameter: 'number of paths',
    value: paths,
    allowed: 'at least 1 and the number of losses given',
  })
}
