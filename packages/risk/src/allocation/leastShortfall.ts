import { MatrixError, ParameterError } from '../errors/RiskError.ts'
import { requireRange, requireWhole } from '../errors/require.ts'
import type { Matrix } from '../maths/matrix.ts'
import { createCutProgram } from './cutProgram.ts'

/** How money is to be spread. */
export interface AllocationOptions {
  /** Share of the scenarios that is not looked at, of [0, 1): 0.95 looks at the worst twentieth. Default 0.95. */
  readonly confidence?: number
  /** Largest weight of each column, of (0, 1]. Default 1 for each. */
  readonly caps?: readonly number[]
  /** Least mean return of the whole, in the unit of the scenarios. Default: none asked. */
  readonly leastReturn?: number
  /** Most cuts until it gives up getting closer. Default 500. */
  readonly maxCuts?: number
}

/** A spread of money. */
export interface Allocation {
  /** One a column, not below 0, summing to 1. */
  readonly weights: readonly number[]
  /** Mean loss of the worst scenarios with these weights (CVaR), in the unit of the scenarios; below 0 it is a gain. */
  readonly shortfall: number
  /** No weights within the limits have a shortfall below this: how far the answer can be from the best. */
  readonly lowerBound: number
  readonly meanReturn: number
}

/**
 * Weights with the least expected shortfall (CVaR) over scenarios of returns, one row a scenario and one column a name. The linear program
 * of Rockafellar and Uryasev, *Optimization of conditional value-at-risk*, J. Risk 2(3) (2000), `min α + 1/((1−β)S)·Σ max(0, −xᵀrₛ − α)`,
 * solved by cuts: shortfall is the largest of the mean losses of all sets of `(1−β)S` scenarios, and the worst set at each answer is added until none is worse
 * (Künzi-Bay and Mayer, *Computational aspects of minimizing conditional value-at-risk*, Comput. Manag. Sci. 3 (2006)). The bound that comes with it says how good
 * it is. Throws {@link MatrixError}, {@link ParameterError}.
 *
 * @example
 * leastShortfall(scenarios, { caps: scenarios[0].map(() => 0.25) }).weights
 */
export function leastShortfall(scenarios: Matrix, options: AllocationOptions = {}): Allocation {
  const columns = checkScenarios(scenarios)
  const confidence = requireRange('confidence', options.confidence ?? 0.95, [0, 1 - Number.EPSILON])
  const maxCuts = requireWhole('number of cuts', options.maxCuts ?? 500, 1)
  const caps = checkCaps(options.caps ?? Array.from({ length: columns }, () => 1), columns)
  const means = meansOf(scenarios, columns)
  const leastReturn = options.leastReturn ?? null
  if (leastReturn !== null) checkReturn(leastReturn, means, caps)
  const scale = Math.max(...scenarios.flat().map(Math.abs), Number.MIN_VALUE)
  const program = createCutProgram({
    caps,
    returns:
      leastReturn === null ? null : { means: means.map((mean) => mean / scale), least: leastReturn / scale },
  })
  let best: { readonly weights: readonly number[]; readonly shortfall: number } | null = null
  let lowerBound = Number.NEGATIVE_INFINITY
  // A start that keeps the caps: each gets what its cap allows of an equal part of the rest.
  let weights: readonly number[] = startOf(caps)
  for (let count = 0; count < maxCuts; count++) {
    const { shortfall, gradient } = shortfallAt(scenarios, weights, confidence)
    const isFeasible = leastReturn === null || dot(means, weights) >= leastReturn - 1e-9 * scale
    if (isFeasible && (best === null || shortfall < best.shortfall)) best = { weights, shortfall }
    if (best !== null && best.shortfall - lowerBound <= 1e-10 * scale) break
    const solved = program.add(gradient.map((value) => value / scale))
    if (solved === null) break
    weights = solved.weights
    lowerBound = Math.max(lowerBound, solved.bound * scale)
  }
  const found = best ?? { weights, shortfall: shortfallAt(scenarios, weights, confidence).shortfall }
  return {
    ...found,
    lowerBound: Math.min(lowerBound, found.shortfall),
    meanReturn: dot(means, found.weights),
  }
}

/**
 * Expected shortfall (CVaR) of weights over scenarios of returns: the mean loss of the worst `1 − confidence` of them, the scenario at the edge
 * counted in part. Source: Rockafellar and Uryasev, *Conditional value-at-risk for general loss distributions*, J. Banking & Finance 26 (2002).
 * Throws {@link MatrixError}, {@link ParameterError}.
 *
 * @example
 * shortfallOf([[0.1], [-0.2], [0], [-0.4]], [1], 0.5) // 0.3
 */
export function shortfallOf(scenarios: Matrix, weights: readonly number[], confidence: number): number {
  const columns = checkScenarios(scenarios)
  requireRange('confidence', confidence, [0, 1 - Number.EPSILON])
  if (weights.length !== columns || !weights.every(Number.isFinite))
    throw new ParameterError({
      parameter: 'number of weights',
      value: weights.length,
      allowed: `${columns} finite numbers, one a column`,
    })
  return shortfallAt(scenarios, weights, confidence).shortfall
}

/** Shortfall at some weights, and the mean loss of each column over the scenarios that make it: its gradient. */
function shortfallAt(scenarios: Matrix, weights: readonly number[], confidence: number) {
  const losses = scenarios.map((row) => -dot(row, weights))
  const order = losses.map((_, at) => at).sort((a, b) => (losses[b] ?? 0) - (losses[a] ?? 0) || a - b)
  const mass = (1 - confidence) * scenarios.length
  const gradient = weights.map(() => 0)
  let left = mass
  let sum = 0
  for (const at of order) {
    const part = Math.min(1, left)
    if (part <= 0) break
    left -= part
    sum += part * (losses[at] ?? 0)
    for (const [column, value] of (scenarios[at] ?? []).entries())
      gradient[column] = (gradient[column] ?? 0) - (part * value) / mass
  }
  return { shortfall: sum / mass, gradient }
}

function startOf(caps: readonly number[]): readonly number[] {
  const weights = caps.map(() => 0)
  let left = 1
  const order = caps.map((_, at) => at).sort((a, b) => (caps[a] ?? 0) - (caps[b] ?? 0))
  for (const [count, at] of order.entries()) {
    const part = Math.min(caps[at] ?? 0, left / (order.length - count))
    weights[at] = part
    left -= part
  }
  return weights
}

function checkScenarios(scenarios: Matrix): number {
  const columns = scenarios[0]?.length ?? 0
  if (columns === 0) throw new MatrixError({ matrix: 'scenarios', problem: 'is empty' })
  for (const row of scenarios)
    if (row.length !== columns || !row.every(Number.isFinite))
      throw new MatrixError({
        matrix: 'scenarios',
        problem: `has a row that is not ${columns} finite numbers`,
      })
  return columns
}

function checkCaps(caps: readonly number[], columns: number): readonly number[] {
  if (caps.length !== columns)
    throw new ParameterError({ parameter: 'number of caps', value: caps.length, allowed: String(columns) })
  for (const cap of caps) requireRange('cap of a weight', cap, [0, 1])
  const sum = caps.reduce((total, cap) => total + cap, 0)
  if (sum < 1 - 1e-12)
    throw new ParameterError({ parameter: 'sum of the caps', value: sum, allowed: 'at least 1' })
  return caps
}

/** The most that can be earned within the caps: the best columns first. */
function checkReturn(least: number, means: readonly number[], caps: readonly number[]): void {
  requireRange('least return', least, [-Number.MAX_VALUE, Number.MAX_VALUE])
  let left = 1
  let most = 0
  for (const at of means.map((_, index) => index).sort((a, b) => (means[b] ?? 0) - (means[a] ?? 0))) {
    const part = Math.min(caps[at] ?? 0, left)
    most += part * (means[at] ?? 0)
    left -= part
  }
  if (least > most)
    throw new ParameterError({
      parameter: 'least return',
      value: least,
      allowed: `at most ${most} within the caps`,
    })
}

function meansOf(scenarios: Matrix, columns: number): readonly number[] {
  return Array.from(
    { length: columns },
    (_, column) => scenarios.reduce((sum, row) => sum + (row[column] ?? 0), 0) / scenarios.length,
  )
}

function dot(a: readonly number[], b: readonly number[]): number {
  return a.reduce((sum, value, at) => sum + value * (b[at] ?? 0), 0)
}
