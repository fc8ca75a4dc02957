import Table from 'cli-table3'
import { theme } from './theme.ts'

/** A column: its head and what it shows of a row. */
export interface Column<Row> {
  readonly head: string
  readonly of: (row: Row) => string
  readonly align?: 'left' | 'right'
}

const none = {
  ...{ top: '', 'top-mid': '', 'top-left': '', 'top-right': '' },
  ...{ bottom: '', 'bottom-mid': '', 'bottom-left': '', 'bottom-right': '' },
  ...{ left: '', 'left-mid': '', mid: '', 'mid-mid': '', right: '', 'right-mid': '', middle: '  ' },
}

/** Rows as aligned text without frames, so that other tools can cut it. */
export function formatTable<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): string {
  const table = new Table({
    head: columns.map(({ head }) => theme.bold(head)),
    colAligns: columns.map(({ align }) => align ?? 'left'),
    chars: none,
    style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [] },
  })
  for (const row of rows) table.push(columns.map(({ of }) => of(row)))
  return table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n')
}
