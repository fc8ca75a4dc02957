import type { Query, QueryTerm } from '@millrace/sdk'
import type { Dictionary } from './Dictionary.ts'
import { numberAt, textAt } from './fields.ts'
import type { Segment } from './Segment.ts'
import { wordBit, type Zones } from './Zones.ts'

/**
 * One condition on a column. `narrow` keeps those of the first `count` rows in `rows` that meet it, in place and in order, and
 * answers how many are left.
 */
export interface Test {
  /** What a zone's bounds say of its rows: all meet it, none does, or they must be looked at. */
  verdict(segment: Segment, zones: Zones, zone: number): Verdict
  narrow(segment: Segment, rows: Uint32Array, count: number): number
  /** Rows seen and kept so far: the test that keeps least goes first. */
  seen: number
  kept: number
}

/** What is known of a zone's rows without looking at them. */
export type Verdict = 'all' | 'none' | 'some'

/** Bounds on the price that a query sets, both inclusive. */
export interface PriceRange {
  readonly low: number
  readonly high: number
}

type NumberTerm = Extract<QueryTerm, { type: 'number' }>
type TextTerm = Extract<QueryTerm, { type: 'text' }>

/** The tests of a query's terms, apart from those on `id`. */
export function compileTests(query: Query, dictionaries: readonly Dictionary[]): Test[] {
  return query.terms.flatMap((term) => {
    if (term.type === 'number') return [testOfNumber(numberAt[term.field], term)]
    if (term.type === 'boolean') {
      const wanted = (term.op === '=') === term.value ? 1 : 0
      return [rangeTest(numberAt.verified, wanted, wanted)]
    }
    if (term.field === 'id') return []
    const column = textAt[term.field]
    const dictionary = dictionaries[column]
    return dictionary === undefined ? [] : [textTest(column, dictionary, term)]
  })
}

/** The prices that a query can be met by. */
export function priceRange(query: Query): PriceRange {
  let low = Number.NEGATIVE_INFINITY
  let high = Number.POSITIVE_INFINITY
  for (const term of query.terms) {
    if (term.type !== 'number' || term.field !== 'price') continue
    const range = rangeOf(term)
    low = Math.max(low, range?.low ?? low)
    high = Math.min(high, range?.high ?? high)
  }
  return { low, high }
}

/** Rows made for nobody else: any buyer's, or `buyer`'s own. */
export function buyerTest(dictionary: Dictionary, buyer: string | undefined): Test {
  const allowed = new Uint8Array(dictionary.size)
  allowed[0] = 1
  const code = buyer === undefined ? undefined : dictionary.codeOf(buyer)
  if (code !== undefined) allowed[code] = 1
  return allowedTest(textAt.buyer, allowed)
}

/** Rows that do not expire before `now`. */
export function expiryTest(now: number): Test {
  return {
    seen: 0,
    kept: 0,
    verdict: (segment) => (segment.minExpiry >= now ? 'all' : 'some'),
    narrow(segment, rows, count) {
      if (segment.minExpiry >= now) return count
      const column = segment.expiries
      let kept = 0
      for (let at = 0; at < count; at++) {
        const row = rows[at] as number
        rows[kept] = row
        kept += (column[row] as number) >= now ? 1 : 0
      }
      return kept
    },
  }
}

function testOfNumber(column: number, term: NumberTerm): Test {
  const range = rangeOf(term)
  if (range !== undefined) return rangeTest(column, range.low, range.high)
  switch (term.op) {
    case '!=':
      return differsTest(column, term.value)
    case 'in':
      return listTest(column, term.values, 1)
    case 'notin':
      return listTest(column, term.values, 0)
    default:
      return rangeTest(column, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY)
  }
}

function rangeOf(term: NumberTerm): PriceRange | undefined {
  switch (term.op) {
    case '=':
      return { low: term.value, high: term.value }
    case '>':
      return { low: nextUp(term.value), high: Number.POSITIVE_INFINITY }
    case '>=':
      return { low: term.value, high: Number.POSITIVE_INFINITY }
    case '<':
      return { low: Number.NEGATIVE_INFINITY, high: -nextUp(-term.value) }
    case '<=':
      return { low: Number.NEGATIVE_INFINITY, high: term.value }
    default:
      return undefined
  }
}

/** The next larger double: an open bound becomes a closed one. */
export function nextUp(value: number): number {
  if (value === 0) return Number.MIN_VALUE
  const view = new DataView(new ArrayBuffer(8))
  view.setFloat64(0, value)
  view.setBigInt64(0, view.getBigInt64(0) + (value > 0 ? 1n : -1n))
  return view.getFloat64(0)
}

// The loops below write every row and move on only if it is kept: no branch for the processor to guess wrong.
// The casts say that a row below `count` exists; checking each would cost as much as the test.

function rangeTest(at: number, low: number, high: number): Test {
  return {
    seen: 0,
    kept: 0,
    verdict(_, zones, zone) {
      const [min, max] = [zones.min(at, zone), zones.max(at, zone)]
      if (min > high || max < low) return 'none'
      return min >= low && max <= high && !zones.missing(at, zone) ? 'all' : 'some'
    },
    narrow(segment, rows, count) {
      const column = segment.numbers[at] as Float64Array
      let kept = 0
      for (let index = 0; index < count; index++) {
        const row = rows[index] as number
        const value = column[row] as number
        rows[kept] = row
        kept += value >= low && value <= high ? 1 : 0
      }
      return kept
    },
  }
}

function differsTest(at: number, wanted: number): Test {
  return {
    seen: 0,
    kept: 0,
    verdict(_, zones, zone) {
      const [min, max] = [zones.min(at, zone), zones.max(at, zone)]
      if (wanted < min || wanted > max) return 'all'
      return min === wanted && max === wanted && !zones.missing(at, zone) ? 'none' : 'some'
    },
    narrow(segment, rows, count) {
      const column = segment.numbers[at] as Float64Array
      let kept = 0
      for (let index = 0; index < count; index++) {
        const row = rows[index] as number
        rows[kept] = row
        kept += column[row] !== wanted ? 1 : 0
      }
      return kept
    },
  }
}

/** Membership by halving a sorted list: at most 8 steps for the longest list the language allows. */
function listTest(at: number, values: readonly number[], keepIfFound: 0 | 1): Test {
  const sorted = Float64Array.from(values).sort()
  return {
    seen: 0,
    kept: 0,
    verdict(_, zones, zone) {
      const [min, max] = [zones.min(at, zone), zones.max(at, zone)]
      if (sorted.some((value) => value >= min && value <= max)) return 'some'
      return keepIfFound === 1 ? 'none' : 'all'
    },
    narrow(segment, rows, count) {
      const column = segment.numbers[at] as Float64Array
      let kept = 0
      for (let index = 0; index < count; index++) {
        const row = rows[index] as number
        const value = column[row] as number
        let low = 0
        let high = sorted.length
        while (low < high) {
          const middle = (low + high) >>> 1
          if ((sorted[middle] as number) < value) low = middle + 1
          else high = middle
        }
        const found = low < sorted.length && sorted[low] === value ? 1 : 0
        rows[kept] = row
        kept += found === keepIfFound ? 1 : 0
      }
      return kept
    },
  }
}

function textTest(column: number, dictionary: Dictionary, term: TextTerm): Test {
  const positive = term.op === '=' || term.op === 'in'
  const words = 'values' in term ? term.values : [term.value]
  const allowed = new Uint8Array(dictionary.size).fill(positive ? 0 : 1)
  for (const word of words) {
    const code = dictionary.codeOf(word)
    if (code !== undefined) allowed[code] = positive ? 1 : 0
  }
  return allowedTest(column, allowed)
}

function allowedTest(at: number, allowed: Uint8Array): Test {
  let wanted = 0
  let unwanted = 0
  for (let code = 0; code < allowed.length; code++) {
    if (allowed[code] === 1) wanted |= wordBit(code)
    else unwanted |= wordBit(code)
  }
  return {
    seen: 0,
    kept: 0,
    verdict(_, zones, zone) {
      const words = zones.words(at, zone)
      if ((words & wanted) === 0) return 'none'
      return (words & unwanted) === 0 ? 'all' : 'some'
    },
    narrow(segment, rows, count) {
      const column = segment.codes[at] as Uint32Array
      let kept = 0
      for (let index = 0; index < count; index++) {
        const row = rows[index] as number
        rows[kept] = row
        kept += allowed[column[row] as number] as number
      }
      return kept
    },
  }
}
