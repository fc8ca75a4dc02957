import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import vectors from '../../../../vectors/canonical.json' with { type: 'json' }
import { NotCanonicalError } from '../errors/border.ts'
import { canonicalJson } from './canonicalJson.ts'
import { hashCanonical } from './hashCanonical.ts'

/** A second way to the same text: sort first, let `JSON.stringify` write. */
function sortedJson(value: unknown): string {
  const sort = (item: unknown): unknown => {
    if (Array.isArray(item)) return item.map(sort)
    if (typeof item !== 'object' || item === null) return item
    const entries = Object.entries(item)
    // Keys that look like array indexes come first in objects, so names are kept apart from order.
    return {
      entries: entries.sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, member]) => [key, sort(member)]),
    }
  }
  const write = (item: unknown): string => {
    if (Array.isArray(item)) return `[${item.map(write).join(',')}]`
    if (typeof item !== 'object' || item === null) return JSON.stringify(item)
    const { entries } = item as { entries: [string, unknown][] }
    return `{${entries.map(([key, member]) => `${JSON.stringify(key)}:${write(member)}`).join(',')}}`
  }
  return write(sort(value))
}

describe('default', () => {
  test('example', () => {
    expect(canonicalJson({ b: 1, a: [true, null] })).toBe('{"a":[true,null],"b":1}')
  })

  test('vectors, two of them from RFC 8785', () => {
    for (const { value, json, hash } of vectors) {
      expect(canonicalJson(value)).toBe(json)
      expect(hashCanonical(value)).toBe(hash)
    }
    expect(vectors[0]?.json).toBe(
      String.raw`{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\u000f\nA'B\"\\\\\"/"}`,
    )
  })

  test('behavior: any JSON value: reads back the same, does not depend on the order of members, equals a second way', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 5 }), (value) => {
        const json = canonicalJson(value)
        const plain = JSON.parse(JSON.stringify(value))
        expect(JSON.parse(json)).toEqual(plain)
        expect(canonicalJson(JSON.parse(json))).toBe(json)
        expect(json).toBe(sortedJson(plain))
      }),
      { numRuns: 500 },
    )
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.integer()), (value) => {
        const turned = Object.fromEntries(Object.entries(value).reverse())
        expect(canonicalJson(turned)).toBe(canonicalJson(value))
      }),
    )
  })

  test('behavior: members that are undefined are left out', () => {
    expect(canonicalJson({ a: undefined, b: 1 })).toBe('{"b":1}')
  })
})

describe('error: NotCanonicalError', () => {
  test('names the place and the reason', () => {
    const cycle: { self?: unknown } = {}
    cycle.self = cycle
    const cases: [unknown, string][] = [
      [Number.NaN, "'(top)' has no canonical JSON: NaN is not finite"],
      [{ a: [1, Number.POSITIVE_INFINITY] }, "'a.1' has no canonical JSON: Infinity is not finite"],
      [{ a: '\ud800' }, "'a' has no canonical JSON: the string holds half a surrogate pair"],
      [{ '\udc00': 1 }, 'a member name holds half a surrogate pair'],
      [{ a: 1n }, "'a' has no canonical JSON: JSON has no bigint"],
      [[undefined], "'0' has no canonical JSON: JSON has no undefined"],
      [{ a: new Map() }, "'a' has no canonical JSON: JSON has no Map"],
      [() => 1, 'JSON has no function'],
      [cycle, 'nested more than 64 levels deep'],
    ]
    for (const [value, message] of cases) {
      expect(() => canonicalJson(value)).toThrow(NotCanonicalError)
      expect(() => canonicalJson(value)).toThrow(message)
    }
  })
})
