import { normaliseText, type OfferRow } from './fields.ts'
import type { Query, QueryTerm } from './parseQuery.ts'

/**
 * Says whether an offer meets a query. A value that is not known equals nothing: `=`, `in` and comparisons fail on it,
 * `!=` and `notin` hold.
 *
 * @param query The parsed query.
 * @param row One offer in the units of the query language; `offerRow` makes it.
 * @returns Whether every term holds.
 * @example
 * const found = rows.filter((row) => matches(parseQuery('num_gpus>=1 price<2.5'), row))
 */
export function matches(query: Query, row: OfferRow): boolean {
  return query.terms.every((term) => holds(term, row))
}

function holds(term: QueryTerm, row: OfferRow): boolean {
  switch (term.type) {
    case 'number': {
      const value = row[term.field]
      const known = value !== null && !Number.isNaN(value)
      switch (term.op) {
        case '=':
          return known && value === term.value
        case '!=':
          return !known || value !== term.value
        case '>':
          return known && value > term.value
        case '>=':
          return known && value >= term.value
        case '<':
          return known && value < term.value
        case '<=':
          return known && value <= term.value
        case 'in':
          return known && term.values.includes(value)
        case 'notin':
          return !known || !term.values.includes(value)
        default:
          return term satisfies never
      }
    }
    case 'text': {
      const raw = row[term.field]
      const value = raw === null ? null : normaliseText(raw)
      switch (term.op) {
        case '=':
          return value === term.value
        case '!=':
          return value !== term.value
        case 'in':
          return value !== null && term.values.includes(value)
        case 'notin':
          return value === null || !term.values.includes(value)
        default:
          return term satisfies never
      }
    }
    case 'boolean':
      return term.op === '=' ? row[term.field] === term.value : row[term.field] !== term.value
    default:
      return term satisfies never
  }
}
