import { requireAmount, requireRange, requireWhole } from '../errors/require.ts'
import { ceilDivide } from './schedule.ts'

/** A share of [0, 1] as parts of 10⁹, rounded down: limits err on the side of the lender. */
const billion = 1_000_000_000n
function partsDown(name: string, share: number): bigint {
  return BigInt(Math.floor(requireRange(name, share, [0, 1]) * 1e9))
}

/** What a limit on revenue depends on. */
export interface RevenueRecord {
  /** Revenue of the last months in the currency's smallest unit, oldest first. Fewer than six count as months without revenue. */
  readonly months: readonly bigint[]
  /** How many months of it may be lent: 2 to 4 without collateral. */
  readonly multiple: number
  /** Herfindahl index of the payers: 1 where one pays everything. */
  readonly payerConcentration: number
  /** Share that an attested meter confirms. */
  readonly attested: number
  /** Share that could have been the operator's own money. */
  readonly circular: number
}

/**
 * The most that may be lent against revenue alone, rounded down:
 * `m · min(mean of 3, mean of 6, last month) · (1 − HHI) · attested · (1 − circular)`. Of the three means
 * the least counts, so that a falling trend is not borrowed against and one good month counts for a sixth. Throws {@link ParameterError}.
 *
 * @example
 * revenueLimit({ months, multiple: 3, payerConcentration: 0.2, attested: 0.9, circular: 0.05 })
 */
export function revenueLimit(record: RevenueRecord): bigint {
  for (const month of record.months) requireAmount('revenue of a month', month)
  const multiple = requireRange('number of months lent', record.multiple, [0, 120])
  const mean = (count: number) =>
    record.months.slice(-count).reduce((sum, month) => sum + month, 0n) / BigInt(count)
  const least = [mean(3), mean(6), record.months.at(-1) ?? 0n].reduce((a, b) => (a < b ? a : b))
  return (
    (least *
      BigInt(Math.floor(multiple * 1e9)) *
      (billion - partsUp('payer concentration', record.payerConcentration)) *
      partsDown('attested share', record.attested) *
      (billion - partsUp('circular share', record.circular))) /
    billion ** 4n
  )
}

/**
 * The part of the first draw that is kept back to pay interest while revenue ramps up: `Σ max(0, due − revenue)`, where revenue is what
 * nine in ten paths exceed. Source: interest reserves of construction loans. Throws {@link ParameterError}.
 *
 * @example
 * interestReserve([{ due: 900n, revenue: 200n }, { due: 900n, revenue: 1000n }]) // 700n
 */
export function interestReserve(
  periods: readonly { readonly due: bigint; readonly revenue: bigint }[],
): bigint {
  return periods.reduce((sum, { due, revenue }) => {
    const missing = requireAmount('interest due', due) - requireAmount('revenue', revenue)
    return missing > 0n ? sum + missing : sum
  }, 0n)
}

/**
 * Present value of what a sweep can take from falling revenue, rounded down, in the unit of `monthly`: an advance must not exceed it.
 * `Σₖ monthly · share · e^(−(drift + rate)·k/12)` over `months`. Throws {@link ParameterError}.
 *
 * @example
 * sweepValue({ monthly: 10_000_000_000n, share: 0.7, drift: 0.6, rate: 0.11, months: 24 })
 */
export function sweepValue(options: {
  /** Adjusted revenue after costs in the last month. */
  readonly monthly: bigint
  /** Share of it that the sweep takes. */
  readonly share: number
  /** Continuous fall of revenue per year; 0.60 in stress. */
  readonly drift: number
  /** Continuous yearly rate at which it is discounted. */
  readonly rate: number
  readonly months: number
}): bigint {
  requireAmount('monthly revenue', options.monthly)
  requireRange('drift per year', options.drift, [0, Number.MAX_VALUE])
  requireRange('discount rate', options.rate, [0, Number.MAX_VALUE])
  const months = requireWhole('number of months', options.months, 0)
  const share = requireRange('swept share', options.share, [0, 1])
  const monthly = Math.exp(-(options.drift + options.rate) / 12)
  let factor = 0
  for (let month = 1; month <= months; month++) factor += monthly ** month
  return (options.monthly * BigInt(Math.floor(share * factor * 1e9))) / billion
}

function partsUp(name: string, share: number): bigint {
  return BigInt(Math.ceil(requireRange(name, share, [0, 1]) * 1e9))
}

/**
 * First loss that the largest obligor asks for, rounded up, in the unit of `largest`: a facility must survive the default of its biggest name without
 * touching its lenders. Lesson of Maple's Orthogonal loans (December 2022: 36 M in default behind 1.2 M of first loss). Throws {@link ParameterError}.
 *
 * @example
 * leastFirstLoss(1_000_000n, 0.45) // 450000n
 */
export function leastFirstLoss(largest: bigint, lgd: number): bigint {
  return ceilDivide(requireAmount('largest exposure', largest) * partsUp('loss given default', lgd), billion)
}
