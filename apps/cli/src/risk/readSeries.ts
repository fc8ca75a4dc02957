import { readFileSync } from 'node:fs'
import { SeriesInvalidError } from './errors.ts'

/** Numbers of several names over time. */
export interface Series {
  readonly path: string
  readonly names: readonly string[]
  /** Names of the rows: months, days, scenarios. */
  readonly rows: readonly string[]
  /** One row a period, one column a name. */
  readonly values: readonly (readonly number[])[]
}

/** A column that only names rows; anything but a number does as well. */
const labels = new Set(['', 'month', 'time', 'date', 'day', 'period', 'scenario'])

/**
 * Reads a CSV file of numbers: a line of names, then one line a period, the first cell of each naming it. With `changes` the numbers
 * are levels, and what is read is the logarithm of each over the one before.
 *
 * @throws SeriesInvalidError
 */
export function readSeries(path: string, options: { readonly changes: boolean }): Series {
  const refuse = (reason: string) => new SeriesInvalidError({ path, reason })
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (cause) {
    throw refuse(`it cannot be read: ${(cause as Error).message}`)
  }
  const lines = text
    .split(/\r?\n/)
    .filter((line) => line.trim() !== '')
    .map((line) => line.split(',').map((cell) => cell.trim()))
  const [head = [], ...body] = lines
  if (head.length < 2 || body.length === 0)
    throw refuse('it has no line of names with lines of numbers under it')
  if (!labels.has((head[0] ?? '').toLowerCase()))
    throw refuse(
      `its first column is '${head[0]}', not the names of the rows (month, date, period, scenario)`,
    )
  const names = head.slice(1)
  const levels = body.map((cells, at) => {
    if (cells.length !== head.length)
      throw refuse(`line ${at + 2} has ${cells.length} cells, the first has ${head.length}`)
    return cells.slice(1).map((cell, column) => {
      const value = cell === '' ? Number.NaN : Number(cell)
      if (!Number.isFinite(value))
        throw refuse(`'${cell}' of ${names[column]} in line ${at + 2} is no number`)
      if (options.changes && value <= 0)
        throw refuse(`${names[column]} is ${cell} in line ${at + 2}: a change needs levels above zero`)
      return value
    })
  })
  const rows = body.map(([label = '']) => label)
  if (!options.changes) return { path, names, rows, values: levels }
  const values = levels
    .slice(1)
    .map((row, at) => row.map((value, column) => Math.log(value / (levels[at]?.[column] ?? value))))
  return { path, names, rows: rows.slice(1), values }
}
