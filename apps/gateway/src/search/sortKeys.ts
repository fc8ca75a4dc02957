import type { QueryOrder } from '@millrace/sdk'
import type { Dictionary } from './Dictionary.ts'
import { numberAt, textAt } from './fields.ts'
import type { Segment } from './Segment.ts'

/** What one sort field reads of a row: smaller is better, what is not known is last in either direction. */
export interface SortKey {
  readonly order: QueryOrder
  readonly sign: 1 | -1
  /** Numbers by row. */
  column(segment: Segment): Float64Array | Uint32Array
  /** Numbers by code, where the column holds codes. */
  readonly byCode: Float64Array | undefined
  /** What a cursor keeps of a row: the number or the word itself, which no new offer changes. */
  valueOf(segment: Segment, row: number): SortValue
  /** The number that a value of a cursor sorts by. */
  keyOf(value: SortValue): number
}

/** A value by which rows were sorted, as a cursor carries it. */
export type SortValue = string | number | null

/** How to sort by each field of `order`. */
export function sortKeys(order: readonly QueryOrder[], dictionaries: readonly Dictionary[]): SortKey[] {
  return order.map((one) => {
    const sign = one.direction === 'ascending' ? 1 : -1
    if (one.field === 'id') return idKey(one, sign)
    if (one.field in numberAt) return numberKey(one, sign, numberAt[one.field as keyof typeof numberAt])
    const column = textAt[one.field as keyof typeof textAt]
    const dictionary = dictionaries[column]
    return dictionary === undefined ? idKey(one, sign) : textKey(one, sign, { column, dictionary })
  })
}

/** Not known is last, whatever the direction. */
export function toKey(value: number, sign: 1 | -1): number {
  return value === Number.POSITIVE_INFINITY || Number.isNaN(value) ? Number.POSITIVE_INFINITY : sign * value
}

function numberKey(order: QueryOrder, sign: 1 | -1, at: number): SortKey {
  return {
    order,
    sign,
    column: (segment) => segment.numbers[at] ?? segment.idKeys,
    byCode: undefined,
    valueOf(segment, row) {
      const value = segment.numbers[at]?.[row]
      return value === undefined || Number.isNaN(value) ? null : value
    },
    keyOf: (value) => toKey(typeof value === 'number' ? value : Number.NaN, sign),
  }
}

function textKey(
  order: QueryOrder,
  sign: 1 | -1,
  of: { readonly column: number; readonly dictionary: Dictionary },
): SortKey {
  const { column, dictionary } = of
  return {
    order,
    sign,
    column: (segment) => segment.codes[column] ?? segment.idKeys,
    byCode: dictionary.sortKeys(),
    valueOf: (segment, row) => dictionary.wordOf(segment.codes[column]?.[row] ?? 0),
    keyOf: (value) => toKey(dictionary.sortKeyOf(typeof value === 'string' ? value : null), sign),
  }
}

function idKey(order: QueryOrder, sign: 1 | -1): SortKey {
  return {
    order,
    sign,
    column: (segment) => segment.idKeys,
    byCode: undefined,
    valueOf: (segment, row) => segment.idKeys[row] ?? null,
    keyOf: (value) => toKey(typeof value === 'number' ? value : Number.NaN, sign),
  }
}
