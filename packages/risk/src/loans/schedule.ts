import { ParameterError } from '../errors/RiskError.ts'
import { requireAmount, requireWhole } from '../errors/require.ts'

/** Seconds of the year in which rates are stated: 365 days. */
export const yearSeconds = 31_536_000

/** Money paid out to the borrower or to a vendor. */
export interface Draw {
  /** Seconds after the loan began. */
  readonly at: number
  /** In the currency's smallest unit. */
  readonly amount: bigint
}

/** A loan: drawn in stages, interest alone while revenue ramps up, then paid back. */
export interface LoanTerms {
  /** In order of time; the last is before the first repayment of principal. */
  readonly draws: readonly Draw[]
  /** Simple yearly rate in basis points. */
  readonly rateBps: number
  /** Seconds between payments. */
  readonly period: number
  /** Payments of interest alone at the beginning. */
  readonly rampPeriods: number
  /** Payments of principal after them. */
  readonly periods: number
  /** `straight`: equal parts of principal. `annuity`: equal payments. */
  readonly amortisation: 'straight' | 'annuity'
}

/** One payment of a plan. Money in the currency's smallest unit. */
export interface PlannedPayment {
  /** Seconds after the loan began. */
  readonly at: number
  readonly interest: bigint
  readonly principal: bigint
  /** Principal left after the payment. */
  readonly outstanding: bigint
}

/**
 * The planned payments of a loan. Interest is simple, by the second, on what was outstanding, and rounded up at each payment; the parts
 * of principal add up to the draws exactly. Sources: the amortisation formulas of Fabozzi, *The Handbook of Fixed Income Securities*.
 * Throws {@link ParameterError}.
 *
 * @example
 * loanSchedule({ draws: [{ at: 0, amount: 100_000_000_000n }], rateBps: 1100, period: 2_592_000, rampPeriods: 3, periods: 24, amortisation: 'straight' })
 */
export function loanSchedule(terms: LoanTerms): readonly PlannedPayment[] {
  checkTerms(terms)
  const { period, rampPeriods, periods } = terms
  const drawn = terms.draws.reduce((sum, { amount }) => sum + amount, 0n)
  const instalment = terms.amortisation === 'annuity' ? annuity(terms, drawn) : 0n
  const payments: PlannedPayment[] = []
  let outstanding = 0n
  for (let count = 1; count <= rampPeriods + periods; count++) {
    const from = (count - 1) * period
    const interest = accrued(terms, outstanding, from)
    outstanding += drawnWithin(terms, from)
    const left = BigInt(rampPeriods + periods - count + 1)
    let principal = 0n
    if (count > rampPeriods) {
      const wanted = terms.amortisation === 'straight' ? ceilDivide(outstanding, left) : instalment - interest
      principal = left === 1n || wanted > outstanding ? outstanding : wanted < 0n ? 0n : wanted
    }
    outstanding -= principal
    payments.push({ at: count * period, interest, principal, outstanding })
  }
  return payments
}

/**
 * Interest on `principal` over `seconds` at a simple yearly rate in basis points, rounded up, against the borrower.
 * Throws {@link ParameterError}.
 *
 * @example
 * interestUp({ principal: 1_000_000n, rateBps: 1100, seconds: 86_400 }) // 302n
 */
export function interestUp(options: {
  readonly principal: bigint
  readonly rateBps: number
  readonly seconds: number
}): bigint {
  requireAmount('principal', options.principal)
  requireWhole('rate in basis points', options.rateBps, 0)
  requireWhole('number of seconds', options.seconds, 0)
  return ceilDivide(
    options.principal * BigInt(options.rateBps) * BigInt(options.seconds),
    10_000n * BigInt(yearSeconds),
  )
}

export function ceilDivide(value: bigint, divisor: bigint): bigint {
  return (value + divisor - 1n) / divisor
}

/** Draws of the period that begins at `from`: those at its beginning and before its end. */
function drawsWithin({ draws, period }: LoanTerms, from: number): readonly Draw[] {
  return draws.filter(({ at }) => at >= from && at < from + period)
}

/** @internal What is drawn in the period that begins at `from`. */
export function drawnWithin(terms: LoanTerms, from: number): bigint {
  return drawsWithin(terms, from).reduce((sum, { amount }) => sum + amount, 0n)
}

/** @internal Interest of one period on what stood at its beginning and what was drawn within it, rounded up once. */
export function accrued(terms: LoanTerms, outstanding: bigint, from: number): bigint {
  const end = from + terms.period
  const weighted = drawsWithin(terms, from).reduce(
    (sum, { at, amount }) => sum + amount * BigInt(end - at),
    outstanding * BigInt(terms.period),
  )
  return ceilDivide(weighted * BigInt(terms.rateBps), 10_000n * BigInt(yearSeconds))
}

/** The equal payment `P·r·(1+r)ⁿ/((1+r)ⁿ − 1)`, rounded up, in fixed point of 27 decimals. */
function annuity({ rateBps, period, periods }: LoanTerms, principal: bigint): bigint {
  const one = 10n ** 27n
  const rate = (one * BigInt(rateBps) * BigInt(period)) / (10_000n * BigInt(yearSeconds))
  if (rate === 0n) return ceilDivide(principal, BigInt(periods))
  let power = one
  for (let count = 0; count < periods; count++) power = (power * (one + rate)) / one
  return ceilDivide(principal * rate * power, one * (power - one))
}

function checkTerms(terms: LoanTerms): void {
  requireWhole('rate in basis points', terms.rateBps, 0)
  requireWhole('seconds between payments', terms.period, 1)
  requireWhole('number of payments of interest alone', terms.rampPeriods, 0)
  requireWhole('number of payments of principal', terms.periods, 1)
  const last = Math.max(1, terms.rampPeriods) * terms.period
  let before = 0
  for (const { at, amount } of terms.draws) {
    requireAmount('amount of a draw', amount)
    requireWhole('time of a draw', at, before)
    if (at >= last)
      throw new ParameterError({
        parameter: 'time of a draw',
        value: at,
        allowed: `before second ${last}, when repayment begins`,
      })
    before = at
  }
}
