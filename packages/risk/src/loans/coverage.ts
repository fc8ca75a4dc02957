import { requireAmount, requireRange, requireWhole } from '../errors/require.ts'

/**
 * Debt service coverage: `(revenue − costs) / due`, money in one unit. Revenue is what the till saw, less what could have been
 * the operator's own money; costs include taxes and insurance. Infinity where nothing is due. Source: the DSCR of CMBS indentures.
 * Throws {@link ParameterError}.
 *
 * @example
 * coverageOf({ revenue: 15_000n, costs: 3_000n, due: 9_000n }) // 1.3333
 */
export function coverageOf(options: {
  readonly revenue: bigint
  readonly costs: bigint
  readonly due: bigint
}): number {
  const revenue = requireAmount('revenue', options.revenue)
  const costs = requireAmount('costs', options.costs)
  const due = requireAmount('debt service due', options.due)
  if (due === 0n) return Number.POSITIVE_INFINITY
  // Twelve decimals of the ratio are exact, whatever the size of the amounts.
  return Number(((revenue - costs) * 10n ** 12n) / due) / 1e12
}

/** One test date's figures, in the currency's smallest unit. */
export interface CoveragePeriod {
  readonly revenue: bigint
  readonly costs: bigint
  readonly due: bigint
}

/**
 * Coverage on each test date over the last `window` periods, as many as there are at the beginning.
 * Throws {@link ParameterError}.
 *
 * @example
 * trailingCoverage(months, 3)
 */
export function trailingCoverage(periods: readonly CoveragePeriod[], window: number): readonly number[] {
  requireWhole('number of trailing periods', window, 1)
  return periods.map((_, at) => {
    const seen = periods.slice(Math.max(0, at + 1 - window), at + 1)
    const sum = (pick: (period: CoveragePeriod) => bigint) =>
      seen.reduce((total, period) => total + pick(period), 0n)
    return coverageOf({
      revenue: sum(({ revenue }) => revenue),
      costs: sum(({ costs }) => costs),
      due: sum(({ due }) => due),
    })
  })
}

/** When the waterfall is swept. */
export interface SweepCovenant {
  /** A sweep begins at a coverage of this or less. Indentures: 1.25, some 1.30. */
  readonly trigger: number
  /** It ends after this many consecutive test dates above the trigger. Indentures: 2, some 3. */
  readonly goodDates: number
  /** No dividends at a coverage of this or less: 1.10 to 1.20 where the sweep's own trigger is lower. Default: the trigger. */
  readonly lockUp?: number
  /** A coverage below this is an event of default. Default 1. */
  readonly default?: number
}

/** What the covenant says on a test date. */
export type CoverageState = 'open' | 'lockUp' | 'sweep' | 'default'

/**
 * The covenant's state on each test date, with hysteresis: a sweep that began ends only after `goodDates` dates in a row above the
 * trigger; a default is stated on its date and swept until then. Source: the definition of "DSCR Sweep Period" in CMBS loan agreements.
 * Throws {@link ParameterError}.
 *
 * @example
 * sweepStates([1.5, 1.2, 1.3, 1.4, 1.5], { trigger: 1.25, goodDates: 2 }) // ['open', 'sweep', 'sweep', 'open', 'open']
 */
export function sweepStates(coverages: readonly number[], covenant: SweepCovenant): readonly CoverageState[] {
  const trigger = requireRange('trigger of the sweep', covenant.trigger, [0, Number.MAX_VALUE])
  const goodDates = requireWhole('number of good test dates', covenant.goodDates, 1)
  const lockUp = requireRange('coverage of the lock-up', covenant.lockUp ?? trigger, [0, Number.MAX_VALUE])
  const floor = requireRange('coverage of a default', covenant.default ?? 1, [0, Number.MAX_VALUE])
  let sweeping = false
  let good = 0
  return coverages.map((coverage) => {
    // A coverage that is not a number is no good news.
    if (!(coverage > trigger)) {
      sweeping = true
      good = 0
    } else if (sweeping && ++good >= goodDates) {
      sweeping = false
      good = 0
    }
    if (!(coverage >= floor)) return 'default'
    if (sweeping) return 'sweep'
    return coverage <= lockUp ? 'lockUp' : 'open'
  })
}
