import { QueryError } from '../errors/query.ts'
import {
  type BooleanField,
  type NumberField,
  normaliseText,
  type QueryField,
  queryFields,
  type TextField,
} from './fields.ts'
import { similar } from './similar.ts'

/** How a number is compared. */
export type NumberOp = '=' | '!=' | '>' | '>=' | '<' | '<='

/** One condition. Words are in the form of `normaliseText`. `in` and `notin` carry the values of their list. */
export type QueryTerm =
  | { readonly type: 'number'; readonly field: NumberField; readonly op: NumberOp; readonly value: number }
  | {
      readonly type: 'number'
      readonly field: NumberField
      readonly op: 'in' | 'notin'
      readonly values: readonly number[]
    }
  | { readonly type: 'text'; readonly field: TextField; readonly op: '=' | '!='; readonly value: string }
  | {
      readonly type: 'text'
      readonly field: TextField
      readonly op: 'in' | 'notin'
      readonly values: readonly string[]
    }
  | {
      readonly type: 'boolean'
      readonly field: BooleanField
      readonly op: '=' | '!='
      readonly value: boolean
    }

/** A parsed query: all terms must hold. */
export interface Query {
  readonly terms: readonly QueryTerm[]
}

const maxLength = 2000
const maxTerms = 64
const maxList = 256

/**
 * Reads the query language of protocol §4: `field op value` terms joined by spaces, all of which must hold.
 *
 * @param text At most 2000 characters and 64 terms; the empty text matches everything.
 * @returns The terms.
 * @throws QueryError with the position, and a similar field's name where there is one.
 * @example
 * const query = parseQuery('gpu_name=H100 num_gpus>=1 price<2.5')
 */
export function parseQuery(text: string): Query {
  if (text.length > maxLength)
    throw new QueryError({
      reason: `The query has ${text.length} characters, at most ${maxLength} are allowed`,
      position: maxLength,
      text: text.slice(0, maxLength),
    })
  const reader: Reader = new Reader(text)
  const terms: QueryTerm[] = []
  while (reader.skipSpace()) {
    if (terms.length === maxTerms) reader.fail(`More than ${maxTerms} terms`, reader.position)
    terms.push(readTerm(reader))
  }
  return { terms }
}

function readTerm(reader: Reader): QueryTerm {
  const start = reader.position
  const name = reader.take(/[A-Za-z_][A-Za-z0-9_]*/y)
  if (name === undefined) reader.fail(`Expected a field, saw '${reader.rest(12)}'`, start)
  const field = fieldNamed(name, reader, start)
  reader.skipSpace()
  const opAt = reader.position
  const op = reader.take(/==|!=|>=|<=|=|>|<|notin(?![A-Za-z0-9_])|in(?![A-Za-z0-9_])/y)
  if (op === undefined)
    reader.fail(`Expected one of = == != > >= < <= in notin after '${name}', saw '${reader.rest(12)}'`, opAt)
  reader.skipSpace()
  if (op === 'in' || op === 'notin') {
    const values = readList(reader)
    return listTerm(reader, field, op, values, opAt)
  }
  return singleTerm(reader, field, op === '==' ? '=' : (op as NumberOp), readValue(reader, /[^\s"']+/y), opAt)
}

interface Value {
  readonly text: string
  readonly at: number
}

function singleTerm(reader: Reader, field: QueryField, op: NumberOp, value: Value, opAt: number): QueryTerm {
  if (isNumberField(field)) return { type: 'number', field, op, value: readNumber(reader, field, value) }
  if (op !== '=' && op !== '!=') reader.fail(`'${field}' has no order: use = != in notin, not '${op}'`, opAt)
  if (isBooleanField(field)) return { type: 'boolean', field, op, value: readBoolean(reader, field, value) }
  return { type: 'text', field, op, value: normaliseText(value.text) }
}

function listTerm(
  reader: Reader,
  field: QueryField,
  op: 'in' | 'notin',
  values: readonly Value[],
  opAt: number,
): QueryTerm {
  if (isBooleanField(field)) reader.fail(`'${field}' is true or false: use = or !=, not '${op}'`, opAt)
  if (isNumberField(field))
    return { type: 'number', field, op, values: values.map((value) => readNumber(reader, field, value)) }
  return { type: 'text', field, op, values: values.map(({ text }) => normaliseText(text)) }
}

function readList(reader: Reader): Value[] {
  const start = reader.position
  if (reader.take(/\[/y) === undefined)
    reader.fail(`Expected a list like [a,b], saw '${reader.rest(12)}'`, start)
  const values: Value[] = []
  for (;;) {
    reader.skipSpace()
    if (values.length === maxList) reader.fail(`More than ${maxList} values in a list`, reader.position)
    values.push(readValue(reader, /[^\s"',[\]]+/y))
    reader.skipSpace()
    const at = reader.position
    const mark = reader.take(/[,\]]/y)
    if (mark === ']') return values
    if (mark === undefined) reader.fail(`Expected ',' or ']' in the list, saw '${reader.rest(12)}'`, at)
  }
}

function readValue(reader: Reader, bare: RegExp): Value {
  const at = reader.position
  const quote = reader.take(/["']/y)
  if (quote !== undefined) {
    const text = reader.take(quote === '"' ? /[^"]*/y : /[^']*/y) ?? ''
    if (reader.take(/["']/y) !== quote) reader.fail(`The quote ${quote} is not closed`, at)
    return { text, at }
  }
  const text = reader.take(bare)
  if (text === undefined) reader.fail(`Expected a value, saw '${reader.rest(12)}'`, at)
  return { text, at }
}

function readNumber(reader: Reader, field: QueryField, value: Value): number {
  const number = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(value.text) ? Number(value.text) : Number.NaN
  if (!Number.isFinite(number)) reader.fail(`'${field}' is a number, saw '${value.text}'`, value.at)
  return number
}

function readBoolean(reader: Reader, field: QueryField, value: Value): boolean {
  const text = value.text.toLowerCase()
  if (text === 'true') return true
  if (text === 'false') return false
  return reader.fail(`'${field}' is true or false, saw '${value.text}'`, value.at)
}

/** Finds a field by name, or fails with a similar one. */
export function fieldNamed(
  name: string,
  reader: { fail(reason: string, at: number, hint?: string): never },
  at: number,
): QueryField {
  const lower = name.toLowerCase()
  if (Object.hasOwn(queryFields, lower)) return lower as QueryField
  const hint = similar(name, Object.keys(queryFields))
  return reader.fail(`No field is called '${name}'`, at, hint)
}

const isNumberField = (field: QueryField): field is NumberField => queryFields[field] === 'number'
const isBooleanField = (field: QueryField): field is BooleanField => queryFields[field] === 'boolean'

/** Reads a text from left to right and knows where it is. */
export class Reader {
  position = 0
  readonly #text: string
  constructor(text: string) {
    this.#text = text
  }

  /** Takes what a sticky pattern matches here. */
  take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.position
    const match = pattern.exec(this.#text)?.[0]
    if (match !== undefined) this.position += match.length
    return match === '' ? undefined : match
  }

  /** Skips spaces; says whether anything is left. */
  skipSpace(): boolean {
    this.take(/\s+/y)
    return this.position < this.#text.length
  }

  /** What comes next, shortened. */
  rest(length: number): string {
    const rest = this.#text.slice(this.position, this.position + length)
    return rest === '' ? 'the end' : rest
  }

  fail(reason: string, at: number, suggestion?: string): never {
    throw new QueryError({ reason, position: at, text: this.#text, suggestion })
  }
}
