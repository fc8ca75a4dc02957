import {
  lookThrough,
  runStress,
  type Scenario,
  type StressResult,
  scenarios,
  simulateLosses,
  summariseLosses,
  trancheLoss,
} from '@millrace/risk'
import { connect } from '../connection/connect.ts'
import { chainTime } from '../credit/chainTime.ts'
import { findPool, findRules } from '../credit/findPool.ts'
import { parseBps } from '../credit/parts.ts'
import { readStressFacility, type StressPool } from '../credit/readStressFacility.ts'
import { UsageError } from '../errors/input.ts'
import { formatDuration, parseDuration } from '../output/durations.ts'
import { createOutput } from '../output/output.ts'
import { formatTable } from '../output/printTable.ts'
import type { GlobalFlags } from './flags.ts'

export interface PoolRiskFlags extends GlobalFlags {
  readonly since: string
  readonly scenario?: string
  readonly default: string
  readonly powerShare: string
  readonly redeemWithin: string
}

/** The day as it is: what would come of the pool if nothing happened. */
const asItIs: Scenario = {
  name: 'as it is',
  event: 'Nothing happens: machines earn what they earned, values fall by their curve.',
  action: '',
  shock: () => ({}),
}
/** Paths of the simulation: a percent of them is a thousand. */
const paths = 100_000

/** Shows lenders what their lines would lose: under each scenario of the stress library, and in a year of the usual kind. */
export async function poolRisk(text: string, flags: PoolRiskFlags): Promise<void> {
  const chosen = chooseScenarios(flags.scenario)
  const powerShare = parseBps(flags.powerShare, '--power-share') / 10_000
  const pd = parseBps(flags.default, '--default') / 10_000
  const redemptionDays = parseDuration(flags.redeemWithin) / 86_400
  const connection = await connect(flags)
  const pool = await findPool(connection, text)
  const currency = await connection.currencyOf(pool.currency)
  const { block: createdIn } = await findRules(connection, pool.facility)
  const to = await chainTime(connection)
  const from = to - parseDuration(flags.since)
  const seen = await readStressFacility(connection, {
    ...{ pool, currency, createdIn, from, to, powerShare, redemptionDays },
  })
  const { facility, loans } = seen
  const results = chosen.map((scenario) => runStress(facility, scenario))
  const year = loans.length === 0 ? null : usualYear(seen, pd)
  const exposures = facility.loans.map(({ principal, names }) => ({ amount: principal, names }))
  const concentration = loans.length === 0 ? [] : lookThrough(exposures)
  const amount = (value: number) => `${value.toFixed(2)} ${currency.symbol}`
  const assets = facility.cash + facility.loans.reduce((sum, { principal }) => sum + principal, 0)
  const senior = Math.min(facility.seniorClaim, assets)
  createOutput(flags.json === true).result(
    {
      pool: pool.facility,
      currency: currency.symbol,
      facility,
      results,
      year,
      concentration,
      assumed: seen.assumed,
    },
    [
      `Pool ${pool.facility}: senior ${amount(senior)}, junior ${amount(assets - senior)}, first loss ${amount(facility.firstLoss)} under ${loans.length} ${loans.length === 1 ? 'loan' : 'loans'}`,
      ...(loans.length === 0 ? [] : ['', tableOf(results, { amount, senior, junior: assets - senior })]),
      '',
      ...(loans.length === 0 ? [] : results).flatMap((result) =>
        describe(result, { amount, isAlone: chosen.length === 1 }),
      ),
      ...(year === null
        ? ['Nothing is lent: no loan can default, and all of it can leave.']
        : [
            `In a year in which ${100 * pd} % of loans default, ${amount(year.expected)} are lost on average; in the worst of a hundred ${amount(year.shortfall)}.`,
            `Chance of a loss in that year: first loss ${percent(year.chances.firstLoss)}, junior ${percent(year.chances.junior)}, senior ${percent(year.chances.senior)}.`,
          ]),
      ...concentration
        // A pool has one currency and one market by construction.
        .filter(({ alarm, dimension }) => alarm && dimension !== 'currency' && dimension !== 'marketplace')
        .slice(0, 3)
        .map(
          ({ dimension, effectiveNames, top }) =>
            `Concentrated by ${dimension}: counts as ${effectiveNames.toFixed(1)} equal ones; the largest is ${percent(top.share)}.`,
        ),
      ...(loans.length === 0 ? [] : ['', ...seen.assumed]),
      `Revenue of the last ${formatDuration(to - from)}, without what the borrower or its operator paid; two years ahead.`,
    ].join('\n'),
  )
}

function chooseScenarios(name: string | undefined): readonly Scenario[] {
  const all = [asItIs, ...scenarios]
  if (name === undefined) return all
  const found = all.find((scenario) => scenario.name === name)
  if (found !== undefined) return [found]
  throw new UsageError({
    message: `There is no scenario '${name}'.`,
    remedy: `It is one of: ${all.map((scenario) => scenario.name).join(', ')}.`,
  })
}

const percent = (share: number) => `${(100 * share).toFixed(1)} %`

function tableOf(
  results: readonly StressResult[],
  of: { readonly amount: (value: number) => string; readonly senior: number; readonly junior: number },
): string {
  const lost = (value: number, size: number) =>
    value < 0.005 ? '-' : `${of.amount(value)} (${percent(size > 0 ? value / size : 0)})`
  return formatTable<StressResult>(
    [
      { head: 'SCENARIO', of: ({ scenario }) => scenario },
      {
        head: 'DEFAULTS',
        of: ({ defaults }) => (defaults.length === 0 ? '-' : String(defaults.length)),
        align: 'right',
      },
      {
        head: 'FIRST LOSS',
        of: ({ firstLossLost }) => lost(firstLossLost, firstLossLost).replace(/ \(.*/, ''),
        align: 'right',
      },
      { head: 'JUNIOR LOSES', of: ({ juniorLoss }) => lost(juniorLoss, of.junior), align: 'right' },
      { head: 'SENIOR LOSES', of: ({ seniorLoss }) => lost(seniorLoss, of.senior), align: 'right' },
      {
        head: 'QUEUE PAID IN',
        of: ({ daysToCash }) => (daysToCash === null ? 'over 2 years' : `${daysToCash} d`),
        align: 'right',
      },
      { head: 'FIRST LIMIT BROKEN', of: brokenOf },
    ],
    results,
  )
}

const limits = {
  coverage: 'coverage of a loan',
  loanToValue: 'debt over sale value',
  subordination: 'junior and first loss of all',
  effectiveNames: 'effective names',
  redemptionDays: 'queue too slow',
} as const

function brokenOf({ firstTripped }: StressResult): string {
  if (firstTripped === null) return '-'
  const { covenant, day, value, limit } = firstTripped
  const when = day === 0 ? 'at once' : `day ${day}`
  if (covenant === 'redemptionDays') return `${limits[covenant]}, ${when}`
  const seen = Number.isFinite(value) ? value.toFixed(3) : 'without value'
  return `${limits[covenant]} ${seen} (limit ${limit.toFixed(2)}), ${when}`
}

/** What happens and what to do: of those that hurt lenders or break a limit, or of the one that was asked for. */
function describe(
  { scenario, event, action, juniorLoss, seniorLoss, firstTripped, defaults }: StressResult,
  { isAlone }: { readonly amount: (value: number) => string; readonly isAlone: boolean },
): readonly string[] {
  const isQuiet = juniorLoss + seniorLoss < 0.005 && firstTripped === null
  if (action === '' || (isQuiet && !isAlone)) return isAlone ? [event, ''] : []
  return [
    `${scenario}: ${event}`,
    `  → ${action}`,
    ...(isAlone ? defaults.map((loan) => `  in default: loan ${loan}`) : []),
    '',
  ]
}

/** Losses of a year by simulation: loans of the same first cluster fail together. */
function usualYear({ facility, worths }: StressPool, pd: number) {
  const clusters = [...new Set(facility.loans.map(({ names }) => names.hardware))]
  const losses = simulateLosses(
    {
      loans: facility.loans.map(({ principal, names }, at) => {
        const covered = (worths[at] ?? 0) / principal
        // What a sale leaves, and never better than equipment lenders have seen (docs of the risk package).
        const lgd = covered > 0 ? Math.max(0.35, 1 - covered) : 0.8
        return { exposure: principal, pd, lgd, cluster: clusters.indexOf(names.hardware) }
      }),
      clusters: clusters.map((name) => ({ name, correlation: 0.35, common: 0.6 })),
      recovery: 'downturn',
    },
    { paths, seed: 1 },
  )
  const { expected, deviation, shortfall } = summariseLosses(losses, 0.99)
  const assets = facility.cash + facility.loans.reduce((sum, { principal }) => sum + principal, 0)
  const { firstLoss } = facility
  const junior = Math.max(0, assets - facility.seniorClaim)
  const hit = (attach: number) => trancheLoss(losses, { attach, detach: attach + 1 }).hit
  return {
    ...{ pd, expected, deviation, shortfall },
    chances: {
      firstLoss: firstLoss > 0 ? hit(0) : 0,
      junior: hit(firstLoss),
      senior: hit(firstLoss + junior),
    },
  }
}
