import fc from 'fast-check'
import { zeroAddress, zeroHash } from 'viem'
import { describe, expect, test } from 'vitest'
import vectors from '../../../../vectors/query.json' with { type: 'json' }
import { QueryError } from '../errors/query.ts'
import type { PublishedOffer } from '../market/offer.ts'
import { normaliseText, type OfferRow, type QueryField, queryFields } from './fields.ts'
import { matches } from './matches.ts'
import { offerRow } from './offerRow.ts'
import { parseOrder } from './parseOrder.ts'
import { parseQuery, type QueryTerm } from './parseQuery.ts'

const fields = Object.keys(queryFields) as QueryField[]
const word = fc.stringMatching(/^[A-Za-z0-9_.:-]{1,12}$/)
const number = fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e9, max: 1e9 })

const row: OfferRow = {
  gpu_name: 'RTX 4090',
  num_gpus: 2,
  gpu_ram: 24,
  cpu_cores: 16,
  cpu_ram: 64,
  disk: 100,
  price: 0.36,
  region: 'eu-west',
  network: 'none',
  runner: 'sandbox',
  arch: 'x64',
  reliability: null,
  duration: 24,
  verified: true,
  asset: '12',
  operator: zeroAddress,
  id: zeroHash,
}

/** Writes a term the way a person would. */
function written(term: QueryTerm): string {
  const quoted = (text: string) => `"${text}"`
  if (term.type === 'boolean') return `${term.field}${term.op}${term.value}`
  if (term.op === 'in' || term.op === 'notin')
    return `${term.field} ${term.op} [${term.values.map((value) => (typeof value === 'number' ? value : quoted(value))).join(', ')}]`
  const { value } = term as Extract<QueryTerm, { value: unknown }>
  return `${term.field}${term.op}${typeof value === 'string' ? quoted(value) : value}`
}

const term: fc.Arbitrary<QueryTerm> = fc.constantFrom(...fields).chain((field): fc.Arbitrary<QueryTerm> => {
  switch (queryFields[field]) {
    case 'number': {
      const own = field as Extract<QueryTerm, { type: 'number' }>['field']
      return fc.oneof(
        fc.record({
          type: fc.constant('number' as const),
          field: fc.constant(own),
          op: fc.constantFrom('=', '!=', '>', '>=', '<', '<='),
          value: number,
        }),
        fc.record({
          type: fc.constant('number' as const),
          field: fc.constant(own),
          op: fc.constantFrom('in', 'notin'),
          values: fc.array(number, { minLength: 1, maxLength: 4 }),
        }),
      )
    }
    case 'text': {
      const own = field as Extract<QueryTerm, { type: 'text' }>['field']
      const value = word.map(normaliseText)
      return fc.oneof(
        fc.record({
          type: fc.constant('text' as const),
          field: fc.constant(own),
          op: fc.constantFrom('=', '!='),
          value,
        }),
        fc.record({
          type: fc.constant('text' as const),
          field: fc.constant(own),
          op: fc.constantFrom('in', 'notin'),
          values: fc.array(value, { minLength: 1, maxLength: 4 }),
        }),
      )
    }
    default:
      return fc.record({
        type: fc.constant('boolean' as const),
        field: fc.constant('verified' as const),
        op: fc.constantFrom('=', '!='),
        value: fc.boolean(),
      })
  }
})

describe('parseQuery, parseOrder', () => {
  test('vectors', () => {
    for (const { text, result, error } of vectors.queries) {
      if (result !== undefined) expect(parseQuery(text)).toEqual(result)
      else
        expect(() => parseQuery(text)).toThrow(
          expect.objectContaining({ message: error?.message, position: error?.position }),
        )
    }
    for (const { text, result, error } of vectors.orders) {
      if (result !== undefined) expect(parseOrder(text)).toEqual(result)
      else
        expect(() => parseOrder(text)).toThrow(
          expect.objectContaining({ message: error?.message, position: error?.position }),
        )
    }
  })

  test('behavior: what is written is read back', () => {
    fc.assert(
      fc.property(fc.array(term, { maxLength: 6 }), fc.constantFrom(' ', '  ', '\n\t'), (terms, space) => {
        // JSON, because negative zero is written as zero.
        expect(parseQuery(terms.map(written).join(space))).toEqual({
          terms: JSON.parse(JSON.stringify(terms)),
        })
      }),
      { numRuns: 500 },
    )
  })

  test('behavior: no text makes it fail in another way than by a QueryError inside the text', () => {
    const pieces = fc.constantFrom(
      ...fields,
      '=',
      '>=',
      '<',
      'in',
      'notin',
      '[',
      ']',
      ',',
      '"',
      "'",
      ' ',
      '3',
      'x',
      '-',
      '\u0000',
      '💧',
    )
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(pieces).map((parts) => parts.join('')),
        ),
        (text) => {
          for (const read of [parseQuery, parseOrder]) {
            try {
              read(text)
            } catch (error) {
              expect(error).toBeInstanceOf(QueryError)
              expect((error as QueryError).position).toBeLessThanOrEqual(text.length)
            }
          }
        },
      ),
      { numRuns: 1000 },
    )
  })

  test('error: QueryError for what is too long', () => {
    expect(() => parseQuery('x'.repeat(2001))).toThrow('at most 2000 are allowed')
    expect(() => parseQuery('price>1 '.repeat(65))).toThrow('More than 64 terms')
    expect(() => parseQuery(`num_gpus in [${'1,'.repeat(256)}1]`)).toThrow('More than 256 values')
  })

  test('suggests a field for every letter left out', () => {
    for (const field of fields.filter((name) => name.length > 4)) {
      for (let at = 0; at < field.length; at++) {
        const slipped = field.slice(0, at) + field.slice(at + 1)
        if (Object.hasOwn(queryFields, slipped)) continue
        // A slip may be one step from two fields: `pu_ram`.
        expect(() => parseQuery(`${slipped}=1`)).toThrow(/did you mean '\w+'\?$/)
      }
    }
  })
})

describe('matches', () => {
  test('default', () => {
    const holds = (text: string) => matches(parseQuery(text), row)
    expect(holds('')).toBe(true)
    expect(holds('gpu_name=rtx_4090 num_gpus>=2 price<0.5 verified=true')).toBe(true)
    expect(holds('gpu_name="RTX 4090"')).toBe(true)
    expect(holds('num_gpus>2')).toBe(false)
    expect(holds('region in [us, eu-west]')).toBe(true)
    expect(holds('region notin [us, eu-west]')).toBe(false)
    expect(holds('asset=12')).toBe(true)
  })

  test('behavior: what is not known equals nothing', () => {
    const holds = (text: string) => matches(parseQuery(text), { ...row, gpu_name: null })
    for (const text of [
      'reliability>0',
      'reliability<1',
      'reliability=0',
      'reliability in [0]',
      'gpu_name=h100',
      'gpu_name in [h100]',
    ])
      expect(holds(text)).toBe(false)
    for (const text of ['reliability!=0', 'reliability notin [0]', 'gpu_name!=h100', 'gpu_name notin [h100]'])
      expect(holds(text)).toBe(true)
  })

  test('behavior: a term and its opposite never agree on a value that is known', () => {
    const opposite = {
      '=': '!=',
      '!=': '=',
      '>': '<=',
      '<=': '>',
      '<': '>=',
      '>=': '<',
      in: 'notin',
      notin: 'in',
    } as const
    const known: OfferRow = { ...row, reliability: 0.5 }
    fc.assert(
      fc.property(term, (one) => {
        const other = { ...one, op: opposite[one.op] } as QueryTerm
        expect(matches({ terms: [one] }, known)).toBe(!matches({ terms: [other] }, known))
      }),
    )
  })
})

describe('offerRow', () => {
  test('default: the units of the query language', () => {
    const published: PublishedOffer = {
      chainId: 1,
      market: zeroAddress,
      currency: zeroAddress,
      operator: zeroAddress,
      offer: {
        asset: 12n,
        buyer: zeroAddress,
        pricePerHour: 360_000n,
        bond: 0n,
        minDuration: 60,
        maxDuration: 86_400,
        startWindow: 60,
        expiry: 0,
        spec: zeroHash,
        terms: zeroHash,
        nonce: 0n,
      },
      signature: '0x',
      spec: {
        version: 1,
        runner: 'sandbox',
        region: 'eu-west',
        network: 'none',
        device: zeroAddress,
        sessionKey: zeroHash,
        os: 'linux',
        arch: 'x64',
        cpus: 16,
        cpuModel: 'x',
        memoryMiB: 65_536,
        diskMiB: 102_400,
        gpus: [
          { name: 'RTX 4090', memoryMiB: 24_576, uuid: 'a', driver: '1' },
          { name: 'RTX 4090', memoryMiB: 24_577, uuid: 'b', driver: '1' },
        ],
      },
      gateways: [],
    }
    const made = offerRow(published, { id: zeroHash, decimals: 6, reliability: null, verified: true })
    expect(made).toEqual(row)
    const { region: _, ...elsewhere } = published.spec
    const bare = offerRow(
      { ...published, spec: { ...elsewhere, gpus: [] } },
      { id: zeroHash, decimals: 6, reliability: 1, verified: false },
    )
    expect(bare).toMatchObject({ gpu_name: null, gpu_ram: null, num_gpus: 0, region: null })
  })
})
