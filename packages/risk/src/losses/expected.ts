import { requireRange } from '../errors/require.ts'

/** What is known of one loan's default. */
export interface LoanRisk {
  /** Exposure at default, in whole units of currency. */
  readonly exposure: number
  /** Probability of default over the horizon, of [0, 1]. */
  readonly pd: number
  /** Mean share of the exposure lost at default, of [0, 1]. */
  readonly lgd: number
}

/**
 * Expected loss over the horizon, `EAD·PD·LGD`, in the unit of the exposure. Source: Basel Committee, *An explanatory note
 * on the Basel II IRB risk weight functions* (2005). Throws {@link ParameterError}.
 *
 * @example
 * expectedLoss({ exposure: 100_000, pd: 0.08, lgd: 0.45 }) // 3,600
 */
export function expectedLoss(loan: LoanRisk): number {
  checkLoan(loan)
  return loan.exposure * loan.pd * loan.lgd
}

/**
 * Unexpected loss of one loan alone: the standard deviation `EAD·√(PD·σ² + LGD²·PD·(1−PD))`, in the unit of the exposure, where
 * `lgdDeviation` is the standard deviation σ of the loss given default. Source: Ong, *Internal Credit Risk Models* (1999), ch. 5.
 * Throws {@link ParameterError}.
 *
 * @example
 * unexpectedLoss({ exposure: 100_000, pd: 0.08, lgd: 0.45, lgdDeviation: 0.2 }) // 13,455
 */
export function unexpectedLoss(loan: LoanRisk & { readonly lgdDeviation?: number }): number {
  checkLoan(loan)
  const deviation = requireRange('deviation of the loss given default', loan.lgdDeviation ?? 0, [0, 1])
  return loan.exposure * Math.sqrt(loan.pd * deviation ** 2 + loan.lgd ** 2 * loan.pd * (1 - loan.pd))
}

/**
 * Probability of default within `years` for a yearly probability, under a constant hazard: `1 − (1 − PD)^t`.
 * Source: Li, *On default correlation: a copula function approach*, J. Fixed Income 9 (2000). Throws {@link ParameterError}.
 *
 * @example
 * defaultWithin(0.08, 3) // 0.2213
 */
export function defaultWithin(yearlyPd: number, years: number): number {
  requireRange('probability of default', yearlyPd, [0, 1])
  requireRange('number of years', years, [0, Number.MAX_VALUE])
  if (years === 0) return 0
  return yearlyPd === 1 ? 1 : -Math.expm1(years * Math.log1p(-yearlyPd))
}

export function checkLoan({ exposure, pd, lgd }: LoanRisk): void {
  requireRange('exposure', exposure, [0, Number.MAX_VALUE])
  requireRange('probability of default', pd, [0, 1])
  requireRange('loss given default', lgd, [0, 1])
}
