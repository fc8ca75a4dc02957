import type { Dimension } from '../concentration/herfindahl.ts'
import type { StressFacility, StressLoan } from './facility.ts'

/** What a scenario does to one loan. Nothing where a field is missing. */
export interface LoanShock {
  /** Factor on revenue, from day 0. */
  readonly revenue?: number
  /** Payers that leave. */
  readonly lostPayers?: readonly string[]
  /** Days from day 0 without revenue. */
  readonly outageDays?: number
  /** Factor on the cost of power, and on other costs. */
  readonly power?: number
  readonly costs?: number
  /** Factor on the value of the machines. */
  readonly value?: number
  /** Added to the haircut of a sale, and days that it takes longer. */
  readonly haircut?: number
  readonly saleDays?: number
  /** Months that delivery is late. */
  readonly lateMonths?: number
}

/** What a scenario does to a facility. */
export interface Shock {
  readonly loan?: (loan: StressLoan) => LoanShock
  /** Added to rates that follow the market's. */
  readonly rateUp?: number
  /** Share of the value of all lines that asks to be redeemed. */
  readonly redemption?: number
  /** What a unit of the currency is worth. */
  readonly currency?: number
  /** Days in which appraisals do not move and breaches of value go unseen. */
  readonly blindDays?: number
}

/** A named stress with what to do about it. */
export interface Scenario {
  readonly name: string
  /** What happens, in a sentence. */
  readonly event: string
  /** The prepared answer. */
  readonly action: string
  readonly shock: (facility: StressFacility) => Shock
}

/**
 * Names of one dimension, the largest principal first; for scenarios of one's own.
 *
 * @example
 * namesBySize(facility, 'operator')[0]
 */
export function namesBySize(facility: StressFacility, dimension: Dimension): readonly string[] {
  const sizes = new Map<string, number>()
  for (const { names, principal } of facility.loans)
    sizes.set(names[dimension], (sizes.get(names[dimension]) ?? 0) + principal)
  return [...sizes].sort((a, b) => b[1] - a[1]).map(([name]) => name)
}

const within = (facility: StressFacility, dimension: Dimension, count = 1) => {
  const chosen = new Set(namesBySize(facility, dimension).slice(0, count))
  return (loan: StressLoan) => chosen.has(loan.names[dimension])
}
const onThose =
  (hit: (loan: StressLoan) => boolean, shock: LoanShock) =>
  (loan: StressLoan): LoanShock =>
    hit(loan) ? shock : {}

function largestPayer({ loans }: StressFacility): string {
  const sizes = new Map<string, number>()
  for (const { revenue } of loans)
    for (const { payer, monthly } of revenue) sizes.set(payer, (sizes.get(payer) ?? 0) + monthly)
  return [...sizes].reduce((a, b) => (b[1] > a[1] ? b : a), ['', 0])[0]
}

/**
 * The stress library: what has happened to lenders on machines and stablecoins, or is feared most. Sizes are those of the market since
 * 2023: rents of a chip fell by 46 % in a year, new generations take 20 to 40 % of resale value, stablecoins traded 10 % below par.
 */
export const scenarios: readonly Scenario[] = [
  {
    name: 'obsolescence',
    event: 'A new generation takes 40 % of the value and of the rent of the most common hardware.',
    action: 'Sweep all loans on that hardware, stop draws on it, ask for fresh appraisals.',
    shock: (facility) => ({ loan: onThose(within(facility, 'hardware'), { value: 0.6, revenue: 0.6 }) }),
  },
  {
    name: 'price crash',
    event: 'Rents of every machine fall by half, values by 46 %.',
    action: 'Sweep every loan, stop draws, raise the haircut of the next appraisal.',
    shock: () => ({ loan: () => ({ value: 0.54, revenue: 0.5 }) }),
  },
  {
    name: 'largest payer leaves',
    event: 'The customer that pays most, over all operators, stops buying.',
    action: 'Sweep the loans that it paid for, offer the hours in the market at the floor price.',
    shock: (facility) => {
      const payer = largestPayer(facility)
      return { loan: () => ({ lostPayers: [payer] }) }
    },
  },
  {
    name: 'site outage',
    event: 'The largest site earns nothing for 30 days.',
    action: 'Claim the insurance, pay dues from the interest reserve, move leases elsewhere.',
    shock: (facility) => ({ loan: onThose(within(facility, 'site'), { outageDays: 30 }) }),
  },
  {
    name: 'power doubles',
    event: 'Power costs twice as much everywhere.',
    action: 'Raise floor prices, put idle machines to sleep, sweep those whose coverage breaks.',
    shock: () => ({ loan: () => ({ power: 2 }) }),
  },
  {
    name: 'rates up',
    event: 'Market rates rise by three points.',
    action: 'Reprice floating loans and new offers, hold draws whose coverage no longer suffices.',
    shock: () => ({ rateUp: 0.03 }),
  },
  {
    name: 'stablecoin depeg',
    event: 'The currency of the facility trades 10 % below par.',
    action: 'Pause deposits and draws in it, settle new revenue in another listed currency.',
    shock: () => ({ currency: 0.9 }),
  },
  {
    name: 'stale oracle',
    event: 'Values fall by 15 % while appraisals stand still for 7 days.',
    action: 'Refuse draws and redemptions above the conservative price until two appraisers have signed.',
    shock: () => ({ loan: () => ({ value: 0.85 }), blindDays: 7 }),
  },
  {
    name: 'run on redemptions',
    event: 'Lenders ask for 30 % of everything at once.',
    action: 'Stop draws, serve the queue in order from collections, sell loans or lines to other facilities.',
    shock: () => ({ redemption: 0.3 }),
  },
  {
    name: 'circular revenue',
    event: 'Half of the largest operator’s revenue was its own money and ends.',
    action: 'Sweep its loans, slash its underwriters first, deny it new credit.',
    shock: (facility) => ({ loan: onThose(within(facility, 'operator'), { revenue: 0.5 }) }),
  },
  {
    name: 'operator insolvency',
    event:
      'The largest operator fails; a servicer takes over after 60 days at a tenth of revenue more in costs.',
    action:
      'Change the operator of its assets, keep their tills, start auctions of what the servicer declines.',
    shock: (facility) => ({
      loan: onThose(within(facility, 'operator'), { outageDays: 60, revenue: 0.8, costs: 1.5 }),
    }),
  },
  {
    name: 'operators fail together',
    event: 'The three largest operators stop at once and for good, and machines sell 15 % lower.',
    action: 'Impair, auction in tranches over months rather than at once, stop draws.',
    shock: (facility) => ({
      loan: onThose(within(facility, 'operator', 3), { revenue: 0, haircut: 0.15, saleDays: 60 }),
    }),
  },
  {
    name: 'frozen jurisdiction',
    event: 'A regulator freezes the largest jurisdiction: no revenue and no sale for 180 days.',
    action: 'Hold the reserve against it, refuse new loans there, file the claims.',
    shock: (facility) => ({
      loan: onThose(within(facility, 'jurisdiction'), { outageDays: 180, saleDays: 180 }),
    }),
  },
  {
    name: 'export rule',
    event: 'The most common hardware may not be sold abroad: resale falls by 30 % and takes 90 days longer.',
    action:
      'Lower its loan-to-value for new loans, list buyers at home, ask for appraisals for the home market.',
    shock: (facility) => ({
      loan: onThose(within(facility, 'hardware'), { value: 0.7, saleDays: 90 }),
    }),
  },
  {
    name: 'late chips',
    event: 'Hardware that has been paid for and not delivered comes six months late.',
    action:
      'Lengthen the ramp against more first loss, keep the vendor’s deposit, pay interest from the reserve.',
    shock: () => ({ loan: (loan) => (loan.deliveredIn > 0 ? { lateMonths: 6 } : {}) }),
  },
]
