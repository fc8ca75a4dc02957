import { ParameterError } from '../errors/RiskError.ts'
import { requireAmount } from '../errors/require.ts'
import { coverageOf, type SweepCovenant, sweepStates } from './coverage.ts'
import { accrued, drawnWithin, type LoanTerms, loanSchedule } from './schedule.ts'

/** What an asset earned and cost in one period, in the currency's smallest unit. */
export interface PeriodIncome {
  readonly revenue: bigint
  readonly costs: bigint
}

/** What became of one period's revenue: `revenue == costs + interest + principal + owner`. */
export interface LoanPeriod {
  readonly at: number
  readonly revenue: bigint
  readonly costs: bigint
  readonly interest: bigint
  readonly principal: bigint
  /** To shares and owner. */
  readonly owner: bigint
  /** What the plan asked for in this period, arrears left out. */
  readonly planned: bigint
  /** What was due and has not been paid: interest, and principal behind plan. */
  readonly arrears: bigint
  readonly outstanding: bigint
  /** Coverage of the last periods at this period's end. */
  readonly coverage: number
  readonly sweep: boolean
}

/**
 * Runs a loan along a path of revenue, as the till does: running costs first (what is not paid is owed on), then interest, then principal
 * behind plan, or everything outstanding while the covenant sweeps; the rest is the owner's. What a sweep paid early lowers later dues,
 * because principal is due only where it stands above plan. The covenant is tested after the ramp; unpaid interest bears no interest.
 * `incomes` has one entry a payment of the plan; more go on after its end. Throws {@link ParameterError}.
 *
 * @example
 * runLoan(terms, { incomes, covenant: { trigger: 1.25, goodDates: 2 }, window: 3 })
 */
export function runLoan(
  terms: LoanTerms,
  options: {
    readonly incomes: readonly PeriodIncome[]
    readonly covenant: SweepCovenant
    /** Periods over which coverage is measured. */
    readonly window: number
  },
): readonly LoanPeriod[] {
  const plan = loanSchedule(terms)
  const { incomes, covenant } = options
  if (incomes.length < plan.length)
    throw new ParameterError({
      parameter: 'number of incomes',
      value: incomes.length,
      allowed: `at least ${plan.length}, one a payment of the plan`,
    })
  const periods: LoanPeriod[] = []
  const tested: number[] = []
  let outstanding = 0n
  let interestOwed = 0n
  let costsOwed = 0n
  let sweep = false
  for (const [index, income] of incomes.entries()) {
    const at = (index + 1) * terms.period
    const planned = plan[index] ?? { interest: 0n, principal: 0n, outstanding: 0n }
    interestOwed += accrued(terms, outstanding, at - terms.period)
    outstanding += drawnWithin(terms, at - terms.period)
    let left = requireAmount('revenue', income.revenue)
    const pay = (due: bigint): bigint => {
      const paid = due < left ? due : left
      left -= paid
      return paid
    }
    costsOwed += requireAmount('costs', income.costs)
    const costs = pay(costsOwed)
    costsOwed -= costs
    const interest = pay(interestOwed)
    interestOwed -= interest
    const behind = outstanding - planned.outstanding
    const principal = pay(sweep ? outstanding : behind > 0n ? behind : 0n)
    outstanding -= principal
    const missing = outstanding - planned.outstanding
    const entry = {
      at,
      revenue: income.revenue,
      costs,
      interest,
      principal,
      owner: left,
      planned: planned.interest + planned.principal,
      arrears: interestOwed + (missing > 0n ? missing : 0n),
      outstanding,
    }
    const recent = [...periods.slice(Math.max(0, index + 1 - options.window)), entry]
    const total = (pick: (period: typeof entry) => bigint) => recent.reduce((sum, one) => sum + pick(one), 0n)
    const coverage = coverageOf({
      revenue: total(({ revenue }) => revenue),
      costs: incomes.slice(index + 1 - recent.length, index + 1).reduce((sum, one) => sum + one.costs, 0n),
      due: total((one) => one.planned),
    })
    if (index >= terms.rampPeriods) {
      tested.push(coverage)
      const state = sweepStates(tested, covenant).at(-1)
      sweep = outstanding + interestOwed > 0n && (state === 'sweep' || state === 'default')
    }
    periods.push({ ...entry, coverage, sweep })
  }
  return periods
}
