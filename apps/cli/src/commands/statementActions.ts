import {
  firstBlockAt,
  getAssetStatement,
  getBorrowerStatements,
  getLenderStatement,
  getLoanStatement,
  getUnderwriterStatement,
  type Statement,
  statementToCsv,
} from '@millrace/sdk'
import { formatUnits } from 'viem'
import { getBlockNumber } from 'viem/actions'
import { type Connection, connect } from '../connection/connect.ts'
import { openAccount } from '../connection/openAccount.ts'
import { LoansMissingError } from '../credit/errors.ts'
import { findPool, findRules } from '../credit/findPool.ts'
import { UsageError } from '../errors/input.ts'
import { type Currency, formatAmount } from '../output/amounts.ts'
import { createOutput } from '../output/output.ts'
import { formatTable } from '../output/printTable.ts'
import { findAsset } from './assetActions.ts'
import type { GlobalFlags } from './flags.ts'
import { openLoan } from './loanActions.ts'
import { addressOf } from './walletActions.ts'

export interface StatementFlags extends GlobalFlags {
  readonly from?: string
  readonly to?: string
  readonly csv?: boolean
}

/** Whose statement is asked for, in which pool. */
interface PoolAccount {
  readonly pool: string
  readonly account: string | undefined
}

/** The pool in its period, the account, and the currency. */
async function openPeriod(of: PoolAccount, flags: StatementFlags) {
  const connection = await connect(flags)
  const period = await readPeriod(connection, flags)
  const facility = await findPool(connection, of.pool)
  const { block: createdIn } = await findRules(connection, facility.facility)
  const currency = await connection.currencyOf(facility.currency)
  const account = await accountOf(connection, of.account, flags)
  const { client, deployment } = connection
  return {
    ...{ client, currency },
    asked: { deployment, facility, createdIn, account, ...period },
    named: { account, pool: facility.facility, currency: currency.symbol },
  }
}

export async function lender(of: PoolAccount, flags: StatementFlags): Promise<void> {
  const { client, currency, asked, named } = await openPeriod(of, flags)
  const { value, ...statement } = await getLenderStatement(client, asked)
  print(statement, flags, {
    more: { ...named, value },
    last: `Worth ${formatAmount(value.opening, currency)} at the beginning and ${formatAmount(value.closing, currency)} at the end, if all had left; ${gained(value.gain, currency)}.`,
  })
}

/** Stakes of an account: free, locked, lost, and what they earned. */
export async function underwriter(of: PoolAccount, flags: StatementFlags): Promise<void> {
  const { client, currency, asked, named } = await openPeriod(of, flags)
  const { totals, ...statement } = await getUnderwriterStatement(client, asked)
  const amount = (value: bigint) => formatAmount(value, currency)
  print(statement, flags, {
    more: { ...named, totals },
    last: `Locked ${amount(totals.locked)} under loans, released ${amount(totals.released)}, recovered ${amount(totals.recovered)}; ${gained(totals.gain, currency)}. At the end ${amount(statement.closing['free stake'])} are free, ${amount(statement.closing['locked stake'])} locked.`,
  })
}

const gained = (value: bigint, currency: Currency) =>
  value < 0n ? `lost ${formatAmount(-value, currency)}` : `gained ${formatAmount(value, currency)}`

export async function loan(path: string, flags: StatementFlags): Promise<void> {
  const { connection, file, currency } = await openLoan(path, flags)
  const period = await readPeriod(connection, flags)
  const pool = await findPool(connection, file.pool)
  const { block: createdIn } = await findRules(connection, file.pool)
  const { loan: id, terms } = file
  const { client, deployment } = connection
  const statement = await getLoanStatement(client, {
    ...{ deployment, facility: pool, loan: id, terms, createdIn },
    ...period,
  })
  const { principal, interest } = statement.closing
  print(statement, flags, {
    more: { loan: id, pool: file.pool, currency: currency.symbol },
    last: `Owed at the end: ${formatAmount(principal, currency)} and ${formatAmount(interest, currency)} of interest.`,
  })
}

/** All loans that an account opened in a pool, with their terms, from the events of the desk. */
export async function borrower(of: PoolAccount, flags: StatementFlags): Promise<void> {
  const { client, currency, asked, named } = await openPeriod(of, flags)
  const statements = await getBorrowerStatements(client, asked)
  if (statements.length === 0) throw new LoansMissingError(named)
  const owed = (column: 'principal' | 'interest') =>
    statements.reduce((sum, { closing }) => sum + closing[column], 0n)
  const totals = { principal: owed('principal'), interest: owed('interest') }
  const output = createOutput(flags.json === true)
  output.result(
    { ...named, totals, loans: statements.map(({ terms: _, ...statement }) => statement) },
    flags.csv === true
      ? statements.map((statement) => statementToCsv(statement, statement.of)).join('\r\n')
      : [
          ...statements.flatMap((statement) => [statement.of, tableOf(statement)]),
          `Owed at the end: ${formatAmount(totals.principal, currency)} and ${formatAmount(totals.interest, currency)} of interest.`,
        ].join('\n'),
  )
}

const accountOf = async (connection: Connection, account: string | undefined, flags: GlobalFlags) =>
  account === undefined ? (await openAccount(connection, flags)).account.address : addressOf(account)

export async function asset(id: string, flags: StatementFlags): Promise<void> {
  const connection = await connect(flags)
  const period = await readPeriod(connection, flags)
  const found = await findAsset(connection, id)
  const currency = await connection.currencyOf(found.currency)
  const { client, deployment } = connection
  const of = { deployment, asset: found.id, decimals: currency.decimals }
  const statement = await getAssetStatement(client, { ...of, ...period })
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
    output.line(statementToCsv(statement))
    return
  }
  output.result({ ...more, ...statement }, [tableOf(statement), last].join('\n'))
}

function tableOf<Column extends string>(statement: Statement<Column>): string {
  const { columns, decimals, opening, lines, closing } = statement
  const rows = [
    { time: null, what: 'opening', amounts: opening },
    ...lines.map(({ time, what, moved }) => ({ time, what, amounts: moved })),
    { time: null, what: 'closing', amounts: closing },
  ]
  return formatTable(
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
  )
}
