import { formatUnits } from 'viem'
import { getBlockNumber } from 'viem/actions'
import { type Connection, connect } from '../connection/connect.ts'
import { openAccount } from '../connection/openAccount.ts'
import { firstBlockAt } from '../credit/blocks.ts'
import { findPool, findRules } from '../credit/findPool.ts'
import { UsageError } from '../errors/input.ts'
import { formatAmount } from '../output/amounts.ts'
import { createOutput } from '../output/output.ts'
import { formatTable } from '../output/printTable.ts'
import { assetStatement } from '../statements/assetStatement.ts'
import { lenderStatement } from '../statements/lenderStatement.ts'
import { loanStatement } from '../statements/loanStatement.ts'
import { type Statement, toCsv } from '../statements/statement.ts'
import { findAsset } from './assetActions.ts'
import type { GlobalFlags } from './flags.ts'
import { openLoan } from './loanActions.ts'
import { addressOf } from './walletActions.ts'

export interface StatementFlags extends GlobalFlags {
  readonly from?: string
  readonly to?: string
  readonly csv?: boolean
}

export async function lender(
  of: { readonly pool: string; readonly account: string | undefined },
  flags: StatementFlags,
): Promise<void> {
  const connection = await connect(flags)
  const period = await readPeriod(connection, flags)
  const pool = await findPool(connection, of.pool)
  const { block: createdIn } = await findRules(connection, pool.facility)
  const currency = await connection.currencyOf(pool.currency)
  const account =
    of.account === undefined ? (await openAccount(connection, flags)).account.address : addressOf(of.account)
  const { decimals } = currency
  const { value, ...statement } = await lenderStatement(connection, {
    ...{ pool, account, decimals, createdIn },
    ...period,
  })
  print(statement, flags, {
    more: { account, pool: pool.facility, currency: currency.symbol, value },
    last: `Worth ${formatAmount(value.opening, currency)} at the beginning and ${formatAmount(value.closing, currency)} at the end, if all had left; gained ${value.gain < 0n ? '-' : ''}${formatAmount(value.gain < 0n ? -value.gain : value.gain, currency)}.`,
  })
}

export async function borrower(path: string, flags: StatementFlags): Promise<void> {
  const { connection, file, currency } = await openLoan(path, flags)
  const period = await readPeriod(connection, flags)
  const pool = await findPool(connection, file.pool)
  const { block: createdIn } = await findRules(connection, file.pool)
  const { loan, terms } = file
  const { decimals } = currency
  const statement = await loanStatement(connection, {
    ...{ pool, loan, terms, decimals, createdIn },
    ...period,
  })
  const { principal, interest } = statement.closing
  print(statement, flags, {
    more: { loan, pool: file.pool, currency: currency.symbol },
    last: `Owed at the end: ${formatAmount(principal, currency)} and ${formatAmount(interest, currency)} of interest.`,
  })
}

export async function asset(id: string, flags: StatementFlags): Promise<void> {
  const connection = await connect(flags)
  const period = await readPeriod(connection, flags)
  const found = await findAsset(connection, id)
  const currency = await connection.currencyOf(found.currency)
  const { decimals } = currency
  const statement = await assetStatement(connection, { ...{ asset: found.id, decimals }, ...period })
  print(statement, flags, {
    more: { asset: found.id, currency: currency.symbol },
    last: `Collected and not split yet at the end: ${formatAmount(statement.closing.unsplit, currency)}.`,
  })
}

/** First and last block of the period; the chain's own clock decides. */
async function readPeriod({ client }: Connection, { from, to }: StatementFlags) {
  const [start, end] = [readDate(from, '--from'), readDate(to, '--to')]
  if (start !== null && end !== null && start >= end)
    throw new UsageError({ message: 'The period ends before it begins.', remedy: 'Give a later `--to`.' })
  return {
    fromBlock: start === null ? 0n : await firstBlockAt(client, start),
    toBlock:
      end === null ? await getBlockNumber(client, { cacheTime: 0 }) : (await firstBlockAt(client, end)) - 1n,
  }
}

function readDate(text: string | undefined, flag: string): number | null {
  if (text === undefined) return null
  const time = /^\d{4}-\d{2}-\d{2}(T.+)?$/.test(text) ? Date.parse(text) : Number.NaN
  if (!Number.isFinite(time))
    throw new UsageError({
      message: `'${text}' is no date for ${flag}.`,
      remedy: 'Write it as 2026-01-31, or 2026-01-31T12:00:00Z.',
    })
  return Math.floor(time / 1000)
}

function print<Column extends string>(
  statement: Statement<Column>,
  flags: StatementFlags,
  { more, last }: { readonly more: Readonly<Record<string, unknown>>; readonly last: string },
): void {
  const output = createOutput(flags.json === true)
  if (flags.csv === true && flags.json !== true) {
    output.line(toCsv(statement))
    return
  }
  const { columns, decimals, opening, lines, closing } = statement
  const rows = [
    { time: null, what: 'opening', amounts: opening },
    ...lines.map(({ time, what, moved }) => ({ time, what, amounts: moved })),
    { time: null, what: 'closing', amounts: closing },
  ]
  output.result(
    { ...more, ...statement },
    [
      formatTable(
        [
          {
            head: 'TIME',
            of: ({ time }) => (time === null ? '' : new Date(time * 1000).toISOString().slice(0, 19)),
          },
          { head: 'WHAT', of: ({ what }) => what },
          ...columns.map((column) => ({
            head: column.toUpperCase(),
            of: ({ amounts }: (typeof rows)[number]) => formatUnits(amounts[column], decimals[column]),
            align: 'right' as const,
          })),
        ],
        rows,
      ),
      last,
    ].join('\n'),
  )
}
