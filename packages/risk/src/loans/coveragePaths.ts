import { type RentalProcess, rentalPath } from '../depreciation/rental.ts'
import { requireRange, requireWhole } from '../errors/require.ts'
import { type UtilisationRamp, utilisationAt } from '../utilisation/ramp.ts'

/** A machine whose rent pays a loan, in whole units of currency. */
export interface FinancedMachine {
  /** Price of one hour. */
  readonly rental: RentalProcess
  readonly utilisation: UtilisationRamp
  /** Hours for sale in one period: 730 a month and machine. */
  readonly hours: number
  /** Costs, taxes and insurance of one period. */
  readonly costs: number
  /** Debt service of each period. */
  readonly due: readonly number[]
  readonly periodsPerYear: number
}

/** Coverage over many paths on one test date. */
export interface CoverageDate {
  readonly period: number
  /** What one path in ten stays below, the median, and what one in ten exceeds. */
  readonly p10: number
  readonly p50: number
  readonly p90: number
  /** Probability of a coverage at or below the trigger on this date. */
  readonly breach: number
}

/**
 * Coverage of a loan over many paths of the rental price: quantiles on each test date, and the probability that any date breaches.
 * Trailing over `window` periods; dates on which nothing is due are not tested. Throws {@link ParameterError}.
 *
 * @example
 * coveragePaths(machine, { paths: 10_000, seed: 1, window: 3, trigger: 1.25 }).everBreached
 */
export function coveragePaths(
  machine: FinancedMachine,
  options: {
    readonly paths: number
    readonly seed: number
    readonly window: number
    readonly trigger: number
  },
): { readonly dates: readonly CoverageDate[]; readonly everBreached: number } {
  const paths = requireWhole('number of paths', options.paths, 1)
  const window = requireWhole('number of trailing periods', options.window, 1)
  requireRange('hours of a period', machine.hours, [0, Number.MAX_VALUE])
  requireRange('costs of a period', machine.costs, [0, Number.MAX_VALUE])
  const periods = requireWhole('number of periods', machine.due.length, 1)
  const perYear = requireRange('periods per year', machine.periodsPerYear, [Number.MIN_VALUE, 1e6])
  const billed = machine.due.map(
    (_, at) => machine.hours * utilisationAt(machine.utilisation, (at + 0.5) / perYear),
  )
  const seen = machine.due.map(() => new Float64Array(paths))
  const dues = machine.due.map((_, at) =>
    machine.due.slice(Math.max(0, at + 1 - window), at + 1).reduce((sum, due) => sum + due, 0),
  )
  let breached = 0
  for (let path = 0; path < paths; path++) {
    const prices = rentalPath(machine.rental, { years: periods / perYear, periods, seed: options.seed, path })
    const net = billed.map((hours, at) => hours * (prices[at] ?? 0) - machine.costs)
    let hit = false
    for (const [at, column] of seen.entries()) {
      const income = net.slice(Math.max(0, at + 1 - window), at + 1).reduce((sum, one) => sum + one, 0)
      const due = dues[at] ?? 0
      column[path] = due > 0 ? income / due : Number.POSITIVE_INFINITY
      if ((column[path] ?? 0) <= options.trigger) hit = true
    }
    if (hit) breached++
  }
  const dates = seen.map((column, period) => {
    column.sort()
    const quantile = (q: number) => column[Math.min(paths - 1, Math.floor(q * paths))] ?? 0
    const breach = column.filter((coverage) => coverage <= options.trigger).length / paths
    return { period, p10: quantile(0.1), p50: quantile(0.5), p90: quantile(0.9), breach }
  })
  return { dates, everBreached: breached / paths }
}
