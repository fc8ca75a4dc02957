import { ParameterError } from '../errors/RiskError.ts'
import { requireRange, requireWhole } from '../errors/require.ts'
import { defaultWithin } from './expected.ts'
import { type TrancheShare, vasicekTrancheLoss } from './vasicek.ts'

/** What a tranche's price depends on. */
export interface TrancheTerms extends TrancheShare {
  /** Probability of default of a loan in one year, of (0, 1). */
  readonly yearlyPd: number
  readonly lgd: number
  readonly correlation: number
  readonly years: number
  /** Interest payments a year. */
  readonly paymentsPerYear: number
  /** Continuous rate at which money without risk grows. */
  readonly riskFreeRate: number
}

/** What a tranche must earn above the riskless rate. */
export interface TranchePrice {
  /** Yearly spread on what is left of the tranche that pays for its expected losses, 0.01 is one per cent. */
  readonly spread: number
  /** Present value of the expected losses, as a share of the tranche. */
  readonly losses: number
  /** Present value of one unit of spread a year on what is left of the tranche. */
  readonly annuity: number
}

/**
 * Break-even spread of a tranche of a large homogeneous book: the spread whose present value equals that of the expected losses.
 * Losses fall in the middle of a period on average, so interest is paid on the mean of what is left at its ends.
 * Sources: Li (2000) for defaults in time; O'Kane (2008), ch. 12 and 16, for the two legs. What an investor wants for bearing the
 * risk comes on top. Throws {@link ParameterError}.
 *
 * @example
 * priceTranche({ attach: 0.2, detach: 1, yearlyPd: 0.08, lgd: 0.45, correlation: 0.3, years: 3, paymentsPerYear: 12, riskFreeRate: 0.04 })
 */
export function priceTranche(terms: TrancheTerms): TranchePrice {
  const years = requireRange('number of years', terms.years, [Number.MIN_VALUE, 100])
  const perYear = requireWhole('number of payments a year', terms.paymentsPerYear, 1)
  requireRange('riskless rate', terms.riskFreeRate, [-1, 10])
  const periods = Math.max(1, Math.round(years * perYear))
  const dt = years / periods
  const { correlation, lgd } = terms
  let lostBefore = 0
  let losses = 0
  let annuity = 0
  for (let period = 1; period <= periods; period++) {
    const pd = defaultWithin(terms.yearlyPd, period * dt)
    const lost = vasicekTrancheLoss({ pd, correlation, lgd }, terms)
    const discount = (at: number) => Math.exp(-terms.riskFreeRate * at)
    losses += (lost - lostBefore) * discount((period - 0.5) * dt)
    annuity += (1 - (lost + lostBefore) / 2) * dt * discount(period * dt)
    lostBefore = lost
  }
  if (!(annuity > 0))
    throw new ParameterError({
      parameter: 'tranche',
      value: 'lost at once',
      allowed: 'one that earns interest',
    })
  return { spread: losses / annuity, losses, annuity }
}
