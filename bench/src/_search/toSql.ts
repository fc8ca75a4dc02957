import { parseOrder, parseQuery, type QueryTerm } from '@millrace/sdk'
import type { BenchQuery } from './queryKinds.ts'

/** The same search as SQL over a table with one column a field, words in normal form. */
export function toSql({ q, order }: BenchQuery, limit: number): string {
  const where = parseQuery(q).terms.map(condition)
  const fields = parseOrder(order).map(
    ({ field, direction }) => `${field} ${direction === 'ascending' ? 'asc' : 'desc'} nulls last`,
  )
  return `select id from facets ${where.length === 0 ? '' : `where ${where.join(' and ')}`} order by ${[...fields, 'id'].join(', ')} limit ${limit}`
}

function condition(term: QueryTerm): string {
  if (term.type === 'boolean') return `${term.field} ${term.op} ${term.value}`
  if ('values' in term) {
    const list = term.values.map(literal).join(', ')
    return term.op === 'in'
      ? `${term.field} in (${list})`
      : `(${term.field} is null or ${term.field} not in (${list}))`
  }
  return term.op === '!='
    ? `${term.field} is distinct from ${literal(term.value)}`
    : `${term.field} ${term.op} ${literal(term.value)}`
}

function literal(value: string | number): string {
  return typeof value === 'number' ? String(value) : `'${value.replaceAll("'", "''")}'`
}
