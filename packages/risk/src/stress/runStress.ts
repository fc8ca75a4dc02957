import { effectiveNames } from '../concentration/herfindahl.ts'
import { requireRange, requireWhole } from '../errors/require.ts'
import { advanceLoan, claimOf, saleValue, startTrack, type Track } from './advanceLoan.ts'
import type { StressFacility } from './facility.ts'
import type { Scenario, Shock } from './scenarios.ts'

/** The first limit that breaks. */
export interface TrippedCovenant {
  readonly covenant: 'coverage' | 'loanToValue' | 'subordination' | 'effectiveNames' | 'redemptionDays'
  /** Days after the event. */
  readonly day: number
  /** The loan, where it is one's. */
  readonly loan: string | null
  readonly value: number
  readonly limit: number
}

/** What a scenario does to a facility. Money in whole units of the currency at par. */
export interface StressResult {
  readonly scenario: string
  readonly event: string
  readonly action: string
  /** What loans lose; it equals what first loss, junior and senior lose of it. */
  readonly loss: number
  readonly firstLossLost: number
  /** What the lines lose, the currency's part included. */
  readonly juniorLoss: number
  readonly seniorLoss: number
  /** Part of the lines' losses that a currency below par brings. */
  readonly currencyLoss: number
  /** Ids of the loans in default within the horizon. */
  readonly defaults: readonly string[]
  /** Days until all that waits to be redeemed has been paid from cash; null if not within the horizon. */
  readonly daysToCash: number | null
  readonly firstTripped: TrippedCovenant | null
}

/** Months of 30 days that a stress runs. */
const horizon = 24

/**
 * Runs one scenario over 24 months of 30 days. Each loan's revenue pays costs, interest and principal; three months in a row without full debt
 * service are a default, and two months later the machines are sold for what curve and haircut leave. Losses fall on first loss,
 * junior and senior in this order. Cash pays the senior line's interest, then the queue of redemptions in order. No interest that is
 * still to come is counted against losses. Deterministic. Throws {@link ParameterError}.
 *
 * @example
 * scenarios.map((scenario) => runStress(facility, scenario))
 */
export function runStress(facility: StressFacility, scenario: Scenario): StressResult {
  checkFacility(facility)
  const shock = scenario.shock(facility)
  const rateUp = shock.rateUp ?? 0
  const tracks = facility.loans.map((loan) => startTrack(loan, shock.loan?.(loan) ?? {}, rateUp))
  const assets = assetsOf(facility)
  let cash = facility.cash
  let queue = facility.queued + (shock.redemption ?? 0) * assets
  let loss = 0
  let daysToCash: number | null = null
  let firstTripped = brokenLimit({ facility, tracks, loss, day: 0, shock })
  for (let month = 0; month <= horizon; month++) {
    const months = month === 0 ? [] : tracks.map((track) => advanceLoan(track, month))
    const income = months.reduce((sum, { paid }) => sum + paid, 0)
    loss += months.reduce((sum, one) => sum + one.loss, 0)
    const seniorRate = facility.seniorRate + (facility.seniorFloating ? rateUp : 0)
    const interest = month === 0 ? 0 : Math.min(cash + income, (facility.seniorClaim * seniorRate) / 12)
    const gained = income - interest
    if (daysToCash === null && queue <= cash + gained) {
      // Within a month cash comes in evenly.
      const part = queue <= cash ? 0 : (queue - cash) / gained
      daysToCash = Math.ceil(30 * (Math.max(0, month - 1) + part))
    }
    cash += gained
    const redeemed = Math.min(queue, cash)
    queue -= redeemed
    cash -= redeemed
    const day = 30 * month
    firstTripped ??= thinCoverage(facility, tracks, { months, day })
    firstTripped ??= brokenLimit({ facility, tracks, loss, day, shock })
    const { redemptionDays } = facility.covenants
    if (queue > 0 && day > redemptionDays)
      firstTripped ??= { covenant: 'redemptionDays', day, loan: null, value: day, limit: redemptionDays }
  }
  return {
    scenario: scenario.name,
    event: scenario.event,
    action: scenario.action,
    ...bear(facility, loss, shock.currency ?? 1),
    defaults: tracks.filter(({ sale }) => sale !== null).map(({ loan }) => loan.id),
    daysToCash,
    firstTripped,
  }
}

/** Cash and principal: what the lines are worth before the event. */
function assetsOf({ cash, loans }: StressFacility): number {
  return loans.reduce((sum, { principal }) => sum + principal, cash)
}

/** Lets first loss, junior and senior bear a loss in this order, then a currency below par what is left of both lines. */
function bear(facility: StressFacility, loss: number, currency: number) {
  const assets = assetsOf(facility)
  const senior = Math.min(facility.seniorClaim, assets)
  const junior = assets - senior
  const firstLossLost = Math.min(loss, facility.firstLoss)
  const fromJunior = Math.min(loss - firstLossLost, junior)
  const fromSenior = loss - firstLossLost - fromJunior
  const juniorDepeg = (junior - fromJunior) * (1 - currency)
  const seniorDepeg = (senior - fromSenior) * (1 - currency)
  return {
    loss,
    firstLossLost,
    juniorLoss: fromJunior + juniorDepeg,
    seniorLoss: fromSenior + seniorDepeg,
    currencyLoss: juniorDepeg + seniorDepeg,
  }
}

function thinCoverage(
  facility: StressFacility,
  tracks: readonly Track[],
  { months, day }: { readonly months: readonly { readonly coverage: number }[]; readonly day: number },
): TrippedCovenant | null {
  const limit = facility.covenants.coverage
  let worst: TrippedCovenant | null = null
  for (const [at, { coverage }] of months.entries())
    if (coverage < Math.min(limit, worst?.value ?? limit))
      worst = { covenant: 'coverage', day, loan: tracks[at]?.loan.id ?? null, value: coverage, limit }
  return worst
}

/** The first limit on value, on who bears losses and on names that does not hold. */
function brokenLimit(state: {
  readonly facility: StressFacility
  readonly tracks: readonly Track[]
  readonly loss: number
  readonly day: number
  readonly shock: Shock
}): TrippedCovenant | null {
  const { facility, tracks, loss, day } = state
  const { covenants } = facility
  const live = tracks.filter((track) => claimOf(track) > 1e-9)
  const blind = state.shock.blindDays ?? 0
  // What fell while nobody appraised it is seen on the first day that someone does.
  const seen = Math.max(day, blind)
  for (const track of live) {
    // A loan on revenue alone has no machine to be held against.
    if (track.loan.curve.value === 0) continue
    const value = claimOf(track) / saleValue(track, seen / 360)
    if (value > covenants.loanToValue)
      return { covenant: 'loanToValue', day: seen, loan: track.loan.id, value, limit: covenants.loanToValue }
  }
  const firstLossLeft = Math.max(0, facility.firstLoss - loss)
  const left = Math.max(0, assetsOf(facility) - Math.max(0, loss - facility.firstLoss))
  const junior = Math.max(0, left - facility.seniorClaim)
  const subordination = (junior + firstLossLeft) / (left + firstLossLeft)
  if (subordination < covenants.subordination)
    return {
      covenant: 'subordination',
      day,
      loan: null,
      value: subordination,
      limit: covenants.subordination,
    }
  // A book that has mostly been paid back is narrow, and nothing is wrong with that.
  const alive = live.reduce((sum, track) => sum + claimOf(track), 0)
  if (2 * alive < assetsOf(facility) - facility.cash || alive === 0) return null
  const byObligor = new Map<string, number>()
  for (const track of live) {
    const name = track.loan.names.obligor
    byObligor.set(name, (byObligor.get(name) ?? 0) + claimOf(track))
  }
  const names = effectiveNames([...byObligor.values()])
  if (names >= covenants.effectiveNames) return null
  return { covenant: 'effectiveNames', day, loan: null, value: names, limit: covenants.effectiveNames }
}

function checkFacility(facility: StressFacility): void {
  const money = [0, Number.MAX_VALUE] as const
  for (const name of ['cash', 'seniorClaim', 'firstLoss', 'queued', 'seniorRate'] as const)
    requireRange(`${name} of the facility`, facility[name], money)
  for (const loan of facility.loans) {
    for (const name of ['principal', 'rate', 'power', 'costs', 'reserve'] as const)
      requireRange(`${name} of loan ${loan.id}`, loan[name], money)
    requireRange(`haircut of loan ${loan.id}`, loan.haircut, [0, 1])
    requireWhole(`months of loan ${loan.id}`, loan.months, 1)
    requireWhole(`months until delivery of loan ${loan.id}`, loan.deliveredIn, 0)
    for (const { monthly } of loan.revenue) requireRange(`revenue of loan ${loan.id}`, monthly, money)
  }
}
