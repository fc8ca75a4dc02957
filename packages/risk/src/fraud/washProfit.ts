import { requireRange } from '../errors/require.ts'

/** What washing revenue costs, and what it obtains. Money in whole units of currency. */
export interface WashPlan {
  /** False revenue of one month. */
  readonly monthly: number
  /** Months that it is kept up. */
  readonly months: number
  /** Months of revenue that are lent. */
  readonly multiple: number
  /** Share of the limit that is drawn and not repaid. */
  readonly advance: number
  /** Share of each payment that the till keeps as fee. */
  readonly fee: number
  /** Share of the false revenue that the analysis takes out. */
  readonly detected: number
  /** What the machine hours behind a unit of false revenue cost, or would have earned; 0 if nothing has to run. */
  readonly hours: number
  /** Underwriters' own money that is lost with the loan. */
  readonly firstLoss: number
}

/**
 * What an operator gains that washes revenue, borrows against it and leaves:
 * `m·R·(1 − detected)·A − R·T·(fee + hours) − firstLoss`. With a fee of 1 %, six months and a multiple of three, washing costs 6 % of a
 * month and obtains 300 %: fees alone never stop it. Throws {@link ParameterError}.
 *
 * @example
 * washProfit({ monthly: 100, months: 6, multiple: 3, advance: 1, fee: 0.01, detected: 0, hours: 0, firstLoss: 0 }) // 294
 */
export function washProfit(plan: WashPlan): number {
  const positive = [0, Number.MAX_VALUE] as const
  const monthly = requireRange('false revenue of a month', plan.monthly, positive)
  const months = requireRange('number of months', plan.months, positive)
  const multiple = requireRange('multiple', plan.multiple, positive)
  const detected = requireRange('detected share', plan.detected, [0, 1])
  const advance = requireRange('advance', plan.advance, [0, 1])
  const cost = requireRange('fee', plan.fee, [0, 1]) + requireRange('cost of hours', plan.hours, positive)
  const firstLoss = requireRange('first loss', plan.firstLoss, positive)
  return multiple * monthly * (1 - detected) * advance - monthly * months * cost - firstLoss
}

/**
 * The least first loss that leaves nothing to gain, by {@link washProfit}; 0 where cost and analysis suffice. Throws {@link ParameterError}.
 *
 * @example
 * leastStake({ monthly: 100, months: 6, multiple: 3, advance: 1, fee: 0.01, detected: 0.9, hours: 0 }) // 24
 */
export function leastStake(plan: Omit<WashPlan, 'firstLoss'>): number {
  return Math.max(0, washProfit({ ...plan, firstLoss: 0 }))
}
