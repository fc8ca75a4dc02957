import type { Session } from '../database/Database.ts'
import { type Column, type Kind, keyOf, type Relation } from './relations.ts'

/** A row before its types are known. */
export type AnyRow = Record<string, unknown>

const sqlTypes: { readonly [K in Kind]: string } = {
  integer: 'bigint',
  bigint: 'bigint',
  money: 'numeric',
  text: 'text',
  json: 'jsonb',
}

/** Reads the rows with these keys in one statement. */
export async function readRows(
  session: Session,
  relation: Relation,
  keys: readonly string[],
): Promise<Map<string, AnyRow>> {
  if (keys.length === 0) return new Map()
  const parts = relation.key.map((name, index) => {
    const values = relation.key.length === 1 ? keys : keys.map((key) => key.split(':')[index] ?? '')
    return { name, type: typeOf(relation, name), literal: arrayLiteral(values) }
  })
  const unnest = parts.map(({ type }, index) => `$${index + 1}::text::${type}[]`).join(', ')
  const names = relation.key.join(', ')
  const text = `select r.* from unnest(${unnest}) as wanted(${names}) join chain.${relation.name} r using (${names})`
  const found = await session.query<AnyRow>(
    text,
    parts.map(({ literal }) => literal),
  )
  return new Map(
    found.map((raw) => {
      const row = fromSql(relation, raw)
      return [keyOf(relation, row), row]
    }),
  )
}

/** Writes rows in one statement: new ones are added, known ones replaced (or with `keep` left alone). */
export async function writeRows(
  session: Session,
  relation: Relation,
  rows: readonly AnyRow[],
  known: 'replace' | 'keep' = 'replace',
): Promise<void> {
  if (rows.length === 0) return
  const { columns, key, name } = relation
  const names = columns.map((column) => column.name)
  const rest = names.filter((column) => !key.includes(column))
  const update = rest.map((column) => `${column} = excluded.${column}`).join(', ')
  const unnest = columns.map((column, index) => `$${index + 1}::text::${sqlTypes[column.kind]}[]`).join(', ')
  await session.query(
    `insert into chain.${name} (${names.join(', ')}) select * from unnest(${unnest})
     on conflict (${key.join(', ')}) do ${known === 'replace' ? `update set ${update}` : 'nothing'}`,
    columns.map((column) => columnLiteral(column, rows)),
  )
}

/** Removes the rows with these keys. */
export async function deleteRows(
  session: Session,
  relation: Relation,
  keys: readonly string[],
): Promise<void> {
  if (keys.length === 0) return
  const conditions = relation.key.map((name) => `r.${name} = gone.${name}`).join(' and ')
  const parts = relation.key.map((name, index) => ({
    type: typeOf(relation, name),
    literal: arrayLiteral(relation.key.length === 1 ? keys : keys.map((key) => key.split(':')[index] ?? '')),
  }))
  await session.query(
    `delete from chain.${relation.name} r
     using unnest(${parts.map(({ type }, index) => `$${index + 1}::text::${type}[]`).join(', ')}) as gone(${relation.key.join(', ')})
     where ${conditions}`,
    parts.map(({ literal }) => literal),
  )
}

/** Brings a row from either engine into the relation's types. */
export function fromSql(relation: Relation, raw: Readonly<AnyRow>): AnyRow {
  const row: AnyRow = {}
  for (const column of relation.columns) row[column.name] = decodeColumn(column, raw[column.name])
  return row
}

/** A row as JSON for the journal; `fromSql` reads it back. */
export function toJson(row: Readonly<AnyRow>): string {
  return JSON.stringify(row, (_, value) => (typeof value === 'bigint' ? value.toString() : value))
}

function decodeColumn({ kind }: Column, value: unknown): unknown {
  if (value === null) return null
  switch (kind) {
    case 'integer':
      return Number(value)
    case 'bigint':
    case 'money':
      return typeof value === 'bigint' ? value : BigInt(String(value))
    case 'text':
    case 'json':
      return value
    default:
      return kind satisfies never
  }
}

function typeOf(relation: Relation, name: string): string {
  return sqlTypes[relation.columns.find((column) => column.name === name)?.kind ?? 'text']
}

function columnLiteral({ name, kind }: Column, rows: readonly AnyRow[]): string {
  let literal = '{'
  for (const row of rows) {
    if (literal.length > 1) literal += ','
    const value = row[name]
    if (value === null) literal += 'NULL'
    else if (kind === 'text') literal += quoted(String(value))
    else if (kind === 'json') literal += quoted(JSON.stringify(value))
    else literal += String(value)
  }
  return `${literal}}`
}

/** A Postgres array of these texts. Sent as one text, it is the same for both engines and their cheapest way in. */
export function arrayLiteral(values: readonly string[]): string {
  return `{${values.map(quoted).join(',')}}`
}

const plain = /^[0-9a-zA-Z_-]+$/

function quoted(value: string): string {
  // `null` unquoted would be a null.
  if (plain.test(value) && value.toLowerCase() !== 'null') return value
  return `"${value.replace(/["\\]/g, '\\$&')}"`
}
