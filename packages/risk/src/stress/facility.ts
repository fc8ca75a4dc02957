import type { Dimension } from '../concentration/herfindahl.ts'
import type { DepreciationCurve } from '../depreciation/curve.ts'

/** Money of one payer in a month, in whole units of currency. */
export interface PayerRevenue {
  readonly payer: string
  readonly monthly: number
}

/** A loan as a stress test sees it. Money in whole units of one currency. */
export interface StressLoan {
  readonly id: string
  readonly names: Readonly<Record<Dimension, string>>
  readonly principal: number
  /** Yearly rate, 0.11 is 11 %. */
  readonly rate: number
  /** Whether the rate follows the market's. */
  readonly floating: boolean
  /** Months in which principal is paid back in equal parts. */
  readonly months: number
  readonly revenue: readonly PayerRevenue[]
  /** Running costs of a month: power, and all others. */
  readonly power: number
  readonly costs: number
  /** Value of the machines, from today on. */
  readonly curve: DepreciationCurve
  /** Share of the value that selling costs. */
  readonly haircut: number
  /** What is left of the reserve that pays interest where revenue does not suffice. */
  readonly reserve: number
  /** Months until the machines are delivered and earn; 0 if they do. */
  readonly deliveredIn: number
}

/** Limits whose breach is named. */
export interface FacilityCovenants {
  /** Least coverage of a loan over three months. */
  readonly coverage: number
  /** Highest debt over value after haircut. */
  readonly loanToValue: number
  /** Least share of junior and first loss in the facility's value. */
  readonly subordination: number
  /** Least effective number of obligors. */
  readonly effectiveNames: number
  /** Days in which a redemption must be paid. */
  readonly redemptionDays: number
}

/** A facility on the day of the test. */
export interface StressFacility {
  readonly cash: number
  readonly loans: readonly StressLoan[]
  /** What the senior line is owed, and its yearly rate. */
  readonly seniorClaim: number
  readonly seniorRate: number
  /** Share of the senior rate that follows the market's. */
  readonly seniorFloating: boolean
  /** Underwriters' stake, which is not part of the cash. */
  readonly firstLoss: number
  /** Redemptions that wait. */
  readonly queued: number
  readonly covenants: FacilityCovenants
}
