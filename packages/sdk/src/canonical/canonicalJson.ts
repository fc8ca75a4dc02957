import { NotCanonicalError } from '../errors/border.ts'

const maxDepth = 64

/**
 * Writes a value as canonical JSON (RFC 8785): no spaces, members sorted by UTF-16 code units, numbers and strings as
 * ECMAScript writes them. Members that are `undefined` are left out, as in JSON.
 *
 * @param value Objects, arrays, strings, finite numbers, booleans and null.
 * @returns The text; the same for every program that follows the standard.
 * @throws NotCanonicalError if a part of the value has no canonical form.
 * @see https://www.rfc-editor.org/rfc/rfc8785
 * @example
 * canonicalJson({ b: 1, a: [true, null] }) // '{"a":[true,null],"b":1}'
 */
export function canonicalJson(value: unknown): string {
  return write(value, '', 0)
}

function write(value: unknown, path: string, depth: number): string {
  if (depth > maxDepth)
    throw new NotCanonicalError({ path, reason: `it is nested more than ${maxDepth} levels deep` })
  if (value === null || typeof value === 'boolean') return String(value)
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw new NotCanonicalError({ path, reason: `${value} is not finite` })
    return JSON.stringify(value)
  }
  if (typeof value === 'string') {
    if (!isWellFormed(value))
      throw new NotCanonicalError({ path, reason: 'the string holds half a surrogate pair' })
    return JSON.stringify(value)
  }
  if (Array.isArray(value)) {
    return `[${value.map((item, index) => write(item, join(path, String(index)), depth + 1)).join(',')}]`
  }
  if (typeof value === 'object' && isPlain(value)) {
    const members = Object.entries(value)
      .filter(([, member]) => member !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : 1))
    const written = members.map(([key, member]) => {
      if (!isWellFormed(key))
        throw new NotCanonicalError({ path, reason: 'a member name holds half a surrogate pair' })
      return `${JSON.stringify(key)}:${write(member, join(path, key), depth + 1)}`
    })
    return `{${written.join(',')}}`
  }
  const kind = typeof value === 'object' ? value.constructor.name : typeof value
  throw new NotCanonicalError({ path, reason: `JSON has no ${kind}` })
}

const join = (path: string, key: string) => (path === '' ? key : `${path}.${key}`)

const isWellFormed = (text: string) => !/\p{Surrogate}/u.test(text)

const isPlain = (value: object) => {
  const prototype = Object.getPrototypeOf(value)
  return prototype === null || prototype === Object.prototype || Object.getPrototypeOf(prototype) === null
}
