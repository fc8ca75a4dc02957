import { valueAt } from '../depreciation/curve.ts'
import type { StressLoan } from './facility.ts'
import type { LoanShock } from './scenarios.ts'

/** A loan on its way through the months of a stress. Money in whole units of currency. */
export interface Track {
  readonly loan: StressLoan
  readonly shock: LoanShock
  readonly rate: number
  /** Principal that is not due yet, and what is due and unpaid. */
  principal: number
  owed: number
  /** What is left of the interest reserve. */
  reserve: number
  /** Months in a row without full debt service. */
  missed: number
  readonly nets: number[]
  readonly dues: number[]
  /** Month and proceeds of the sale after a default. */
  sale: { readonly month: number; readonly proceeds: number } | null
}

/** What one month of a loan brings. */
export interface LoanMonth {
  readonly paid: number
  readonly loss: number
  /** Coverage over three months; Infinity while it is not tested. */
  readonly coverage: number
}

/** Months without full debt service until a loan is in default, and from there to the sale of its machines. */
const graceMonths = 3
const saleMonths = 2

export function startTrack(loan: StressLoan, shock: LoanShock, rateUp: number): Track {
  return {
    loan,
    shock,
    rate: loan.rate + (loan.floating ? rateUp : 0),
    principal: loan.principal,
    owed: 0,
    reserve: loan.reserve,
    missed: 0,
    nets: [],
    dues: [],
    sale: null,
  }
}

/** Moves a loan through its `month`-th month, counted from 1, of 30 days. */
export function advanceLoan(track: Track, month: number): LoanMonth {
  const { loan, shock } = track
  const untested = { loss: 0, coverage: Number.POSITIVE_INFINITY }
  if (track.sale !== null) return { ...untested, paid: track.sale.month === month ? track.sale.proceeds : 0 }
  if (claimOf(track) <= 1e-9) return { ...untested, paid: 0 }
  // Principal is due from the planned delivery on, however late the machines are.
  const repays = month > loan.deliveredIn
  const interest = (track.principal * track.rate) / 12
  const scheduled = repays ? Math.min(track.principal, loan.principal / loan.months) : 0
  const due = interest + scheduled
  const earns = month > loan.deliveredIn + (shock.lateMonths ?? 0)
  const net = earns ? netIncome(track, month - 1) : 0
  track.nets.push(net)
  track.dues.push(due)
  track.principal -= scheduled
  track.owed += due
  const earned = Math.min(Math.max(net, 0), track.owed)
  const reserved = Math.min(track.reserve, Math.max(0, due - earned))
  track.reserve -= reserved
  const paid = earned + reserved
  track.owed -= paid
  // A month counts as missed if it did not pay for itself, whatever older months left; waiting for delivery misses nothing.
  track.missed = repays && paid < 0.99 * due ? track.missed + 1 : 0
  const coverage = repays ? lastThree(track.nets) / lastThree(track.dues) : Number.POSITIVE_INFINITY
  return { paid, coverage, loss: track.missed >= graceMonths ? defaultNow(track, month) : 0 }
}

/** Principal and what is owed. */
export function claimOf(track: Track): number {
  return track.principal + track.owed
}

/** What the machines would bring `years` after the event. */
export function saleValue({ loan, shock }: Track, years: number): number {
  const kept = Math.max(0, 1 - loan.haircut - (shock.haircut ?? 0))
  return valueAt(loan.curve, years) * (shock.value ?? 1) * kept
}

function defaultNow(track: Track, month: number): number {
  const sold = month + saleMonths + Math.ceil((track.shock.saleDays ?? 0) / 30)
  const claim = claimOf(track)
  const proceeds = Math.min(claim, saleValue(track, sold / 12))
  track.sale = { month: sold, proceeds }
  track.principal = 0
  track.owed = 0
  return claim - proceeds
}

/** Revenue after costs in the month that begins after `months`; rents fall as values drift. */
function netIncome({ loan, shock }: Track, months: number): number {
  const lost = new Set(shock.lostPayers ?? [])
  const gross = loan.revenue.reduce((sum, { payer, monthly }) => (lost.has(payer) ? sum : sum + monthly), 0)
  const working = 1 - Math.min(1, Math.max(0, (shock.outageDays ?? 0) / 30 - months))
  const drift = Math.exp((-loan.curve.drift * months) / 12)
  return (
    gross * (shock.revenue ?? 1) * working * drift -
    loan.power * (shock.power ?? 1) * working -
    loan.costs * (shock.costs ?? 1)
  )
}

function lastThree(values: readonly number[]): number {
  return values.slice(-3).reduce((sum, value) => sum + value, 0)
}
