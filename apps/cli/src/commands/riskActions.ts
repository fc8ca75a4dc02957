import {
  absorptionRatio,
  covarianceOf,
  downMonths,
  effectiveBets,
  type FactorLoading,
  leastShortfall,
  regressFactors,
  shortfallOf,
} from '@millrace/risk'
import { parseBps } from '../credit/parts.ts'
import { UsageError } from '../errors/input.ts'
import { createOutput } from '../output/output.ts'
import { formatTable } from '../output/printTable.ts'
import { SeriesInvalidError } from '../risk/errors.ts'
import { readSeries } from '../risk/readSeries.ts'
import { readNumber } from './appraiseActions.ts'
import type { GlobalFlags } from './flags.ts'

export interface SeriesFlags extends GlobalFlags {
  readonly changes?: boolean
  readonly bad: string
}

export interface FactorFlags extends GlobalFlags {
  readonly changes?: boolean
  readonly factors: string
  readonly lags: string
}

export interface SpreadFlags extends GlobalFlags {
  readonly changes?: boolean
  readonly cap: string
  readonly worst: string
  readonly leastReturn?: string
}

/** Part of the covariance that is taken out of a short history. */
const shrinkage = 0.2
const percent = (value: number, decimals = 1) => `${(100 * value).toFixed(decimals)} %`

/** How many bets the columns really are, in common times and in bad ones. */
export async function together(path: string, flags: SeriesFlags): Promise<void> {
  const { names, values } = readSeries(path, { changes: flags.changes === true })
  const share = parseBps(flags.bad, '--bad') / 10_000
  const down = downMonths(values, { share, shrinkage })
  const covariance = covarianceOf(values, shrinkage)
  const weights = names.map(() => 1 / names.length)
  const bets = {
    all: effectiveBets({ weights, covariance }).bets,
    bad: effectiveBets({ weights, covariance: down.covariance }).bets,
  }
  const absorbed = { all: absorptionRatio(covariance, 1), bad: absorptionRatio(down.covariance, 1) }
  const { correlation, downCorrelation, expectedCorrelation } = down
  createOutput(flags.json === true).result(
    {
      names,
      periods: values.length,
      bad: down.months,
      correlation,
      downCorrelation,
      expectedCorrelation,
      bets,
      absorbed,
    },
    [
      formatTable<readonly [string, string, string]>(
        [
          { head: '', of: ([what]) => what },
          { head: 'ALL', of: ([, all]) => all, align: 'right' },
          { head: 'BAD', of: ([, , bad]) => bad, align: 'right' },
        ],
        [
          ['periods', String(values.length), String(down.months)],
          ['mean correlation', percent(correlation), percent(downCorrelation)],
          [`bets among ${names.length}, equal parts`, bets.all.toFixed(2), bets.bad.toFixed(2)],
          ['one cause explains', percent(absorbed.all), percent(absorbed.bad)],
        ],
      ),
      `In bad periods ${percent(expectedCorrelation)} would be chance alone${downCorrelation > expectedCorrelation + 0.1 ? '; it is more: they fall together.' : '.'}`,
    ].join('\n'),
  )
}

/** What drives each column, with errors that hold under uneven and lasting noise. */
export async function factors(path: string, flags: FactorFlags): Promise<void> {
  const lags = readNumber(flags.lags, '--lags', 120)
  const changes = flags.changes === true
  const series = readSeries(path, { changes })
  const given = readSeries(flags.factors, { changes })
  const differs = series.rows.findIndex((row, at) => row !== given.rows[at])
  if (differs >= 0 || series.rows.length !== given.rows.length)
    throw new SeriesInvalidError({
      path: flags.factors,
      reason: `its rows are not those of ${path}${differs >= 0 ? `: '${given.rows[differs] ?? 'none'}' for '${series.rows[differs]}'` : ''}`,
    })
  const found = series.names.map((name, column) => {
    const returns = series.values.map((row) => row[column] ?? 0)
    const { residuals: _, ...regression } = regressFactors(returns, { factors: given.values, lags })
    return { name, ...regression }
  })
  const shown = (loading: FactorLoading | undefined) =>
    loading === undefined
      ? ''
      : `${loading.value.toPrecision(3)} ± ${loading.error.toPrecision(2)}${Math.abs(loading.t) > 2 ? ' *' : '  '}`
  createOutput(flags.json === true).result(
    { factors: given.names, lags, columns: found },
    [
      formatTable<(typeof found)[number]>(
        [
          { head: 'NAME', of: ({ name }) => name },
          { head: 'EXPLAINED', of: ({ explained }) => percent(explained), align: 'right' },
          ...given.names.map((factor, at) => ({
            head: factor,
            of: ({ loadings }: (typeof found)[number]) => shown(loadings[at]),
            align: 'right' as const,
          })),
          { head: 'REST', of: ({ alpha }) => shown(alpha), align: 'right' },
        ],
        found,
      ),
      '* more than two standard errors from zero',
    ].join('\n'),
  )
}

/** The spread of money whose worst scenarios cost least. */
export async function spread(path: string, flags: SpreadFlags): Promise<void> {
  const { names, values } = readSeries(path, { changes: flags.changes === true })
  const cap = parseBps(flags.cap, '--cap') / 10_000
  const worst = parseBps(flags.worst, '--worst') / 10_000
  if (worst === 0)
    throw new UsageError({
      message: 'The worst 0 % are no scenarios.',
      remedy: 'Give --worst from 0.01 to 100.',
    })
  const leastReturn =
    flags.leastReturn === undefined ? undefined : parseBps(flags.leastReturn, '--least-return') / 10_000
  const caps = names.map(() => cap)
  const confidence = 1 - worst
  const found = leastShortfall(values, {
    ...{ confidence, caps },
    ...(leastReturn === undefined ? {} : { leastReturn }),
  })
  const equal = shortfallOf(
    values,
    names.map(() => 1 / names.length),
    confidence,
  )
  const rows = names
    .map((name, at) => ({ name, weight: found.weights[at] ?? 0 }))
    .sort((a, b) => b.weight - a.weight)
  createOutput(flags.json === true).result(
    {
      weights: rows,
      worst,
      shortfall: found.shortfall,
      lowerBound: found.lowerBound,
      meanReturn: found.meanReturn,
      equalShortfall: equal,
    },
    [
      formatTable<(typeof rows)[number]>(
        [
          { head: 'NAME', of: ({ name }) => name },
          { head: 'PART', of: ({ weight }) => percent(weight, 2), align: 'right' },
        ],
        rows.filter(({ weight }) => weight > 0.000_05),
      ),
      `The worst ${percent(worst)} of ${values.length} scenarios cost ${percent(found.shortfall, 2)} on average; equal parts would cost ${percent(equal, 2)}.`,
      `Mean return ${percent(found.meanReturn, 2)}. No spread within the limits costs less than ${percent(found.lowerBound, 2)}.`,
    ].join('\n'),
  )
}
