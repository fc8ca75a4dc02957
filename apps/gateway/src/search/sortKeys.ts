import type { QueryOrder } from '@millrace/sdk'
import type { Dictionary } from './Dictionary.ts'
import { numberAt, textAt } from './fields.ts'
import type { Segment } from './Segment.ts'
import type { Zones } from './Zones.ts'

/** What one sort field reads of a row: smaller is better, what is not known is last in either direction. */
export interface SortKey {
  readonly order: QueryOrder
  readonly sign: 1 | -1
  /** Numbers by row. */
  column(segment: Segment): Float64Array | Uint32Array
  /** Numbers by code, where the column holds codes. */
  readonly byCode: Float64Array | undefined
  /** No row of the zone sorts before this. */
  best(zones: Zones, zone: number): number
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
    best(zones, zone) {
      const value = sign === 1 ? zones.min(at, zone) : zones.max(at, zone)
      // Of a zone without known numbers: last, in either direction.
      return Number.isFinite(value) ? sign * value : Number.POSITIVE_INFINITY
    },
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
  const byCode = dictionary.sortKeys()
  // The best of the words that share a bit.
  const byBit = new Float64Array(32).fill(Number.POSITIVE_INFINITY)
  for (let code = 0; code < byCode.length; code++) {
    // A code that no row uses has no place in the order.
    if (code !== 0 && dictionary.wordOf(code) === null) continue
    byBit[code & 31] = Math.min(byBit[code & 31] ?? 0, toKey(byCode[code] ?? 0, sign))
  }
  return {
    order,
    sign,
    column: (segment) => segment.codes[column] ?? segment.idKeys,
    byCode,
    best(zones, zone) {
      const words = zones.words(column, zone)
      let best = Number.POSITIVE_INFINITY
      for (let bit = 0; bit < 32; bit++)
        if ((words & (1 << bit)) !== 0) best = Math.min(best, byBit[bit] ?? 0)
      return best
    },
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
    best: (zones, zone) => toKey((sign === 1 ? zones.idKeys : zones.maxIdKeys)[zone] ?? 0, sign),
    valueOf: (segment, row) => segment.idKeys[row] ?? null,
    keyOf: (value) => toKey(typeof value === 'number' ? value : Number.NaN, sign),
  }
}
