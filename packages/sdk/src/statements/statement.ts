import { formatUnits } from 'viem'
import { StatementUnbalancedError } from '../errors/statements.ts'

/** Amounts by the name of their column, in base units. */
export type Amounts<Column extends string> = Readonly<Record<Column, bigint>>

/** One thing that happened: how it moved each balance, and what of it was money in or out. */
export interface StatementLine<Column extends string> {
  /** Unix seconds. */
  readonly time: number
  readonly block: bigint
  readonly transaction: string
  readonly what: string
  /** What it moved, by column. */
  readonly moved: Amounts<Column>
}

/** What happened in a period: opening balances, lines, and closing balances that are what the chain says. */
export interface Statement<Column extends string> {
  readonly of: string
  /** First and last block of the period. */
  readonly fromBlock: bigint
  readonly toBlock: bigint
  readonly columns: readonly Column[]
  readonly opening: Amounts<Column>
  readonly lines: readonly StatementLine<Column>[]
  /** Opening and all lines. */
  readonly closing: Amounts<Column>
  /** Decimals of each column. */
  readonly decimals: Readonly<Record<Column, number>>
}

/**
 * Adds a statement up and holds it against the chain: opening balances and lines must give exactly the closing balances that the chain
 * has, in every column that it knows.
 *
 * @throws StatementUnbalancedError
 */
export function balance<Column extends string>(
  statement: Omit<Statement<Column>, 'closing'>,
  chain: Partial<Amounts<Column>>,
): Statement<Column> {
  const { columns, opening, lines } = statement
  const closing = { ...opening } as Record<Column, bigint>
  for (const { moved } of lines) for (const column of columns) closing[column] += moved[column]
  for (const column of columns) {
    const seen = chain[column]
    if (seen !== undefined && seen !== closing[column])
      throw new StatementUnbalancedError({
        what: `${column} of ${statement.of}`,
        statement: closing[column],
        chain: seen,
      })
  }
  return { ...statement, closing }
}

/** A line with nothing in it, to be filled. */
export function zeros<Column extends string>(columns: readonly Column[]): Record<Column, bigint> {
  return Object.fromEntries(columns.map((column) => [column, 0n])) as Record<Column, bigint>
}

/**
 * Writes a statement as CSV (RFC 4180): opening, lines, closing; amounts in whole units. Of several, each line says whose it is.
 *
 * @param statement What one of the functions `get…Statement` returned.
 * @param whose First cell of each line, where several statements stand in one file.
 * @returns Lines, with CR and LF between them.
 * @example
 * const csv = statementToCsv(await getAssetStatement(client, { deployment, asset, decimals: 6, fromBlock: 0n, toBlock: 100n }))
 */
export function statementToCsv<Column extends string>(statement: Statement<Column>, whose?: string): string {
  const { columns, decimals, opening, lines, closing } = statement
  const cells = (amounts: Amounts<Column>) =>
    columns.map((column) => formatUnits(amounts[column], decimals[column]))
  const rows = [
    ['time', 'block', 'transaction', 'what', ...columns],
    ['', '', '', 'opening', ...cells(opening)],
    ...lines.map(({ time, block, transaction, what, moved }) => [
      ...[new Date(time * 1000).toISOString(), String(block), transaction, what],
      ...cells(moved),
    ]),
    ['', '', '', 'closing', ...cells(closing)],
  ]
  const named = rows.map((row, at) => (whose === undefined ? row : [at === 0 ? 'of' : whose, ...row]))
  return named.map((row) => row.map(quoted).join(',')).join('\r\n')
}

const quoted = (cell: string) => (/[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell)
