import { matches, normaliseText, type OfferRow, parseOrder, parseQuery, type QueryOrder } from '@millrace/sdk'
import fc from 'fast-check'
import type { Hash } from 'viem'
import { describe, expect, test } from 'vitest'
import { type IndexedOffer, SearchIndex } from './SearchIndex.ts'

const NOW = 1_000

let counter = 0
/** Ids as digests are: no two alike, no order. */
function newId(): Hash {
  let state = ++counter * 2_654_435_761
  let id = '0x'
  for (let word = 0; word < 8; word++) {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + word * 0x9e3779b9) >>> 0
    id += state.toString(16).padStart(8, '0')
  }
  return id as Hash
}

const number = (...values: number[]) => fc.option(fc.constantFrom(...values), { nil: null })
const word = (...values: string[]) => fc.option(fc.constantFrom(...values), { nil: null })
const address = fc.constantFrom(...[1, 2, 3, 11].map((digit) => `0x${digit.toString(16).repeat(40)}`))

const offers: fc.Arbitrary<IndexedOffer> = fc
  .record({
    gpu_name: word('H100', 'RTX 4090', 'rtx_4090', 'A100 80GB', 'é'),
    num_gpus: fc.constantFrom(0, 1, 2, 8),
    gpu_ram: number(24, 80, 79.6),
    cpu_cores: fc.constantFrom(0.5, 2, 16),
    cpu_ram: fc.constantFrom(4, 16, 64),
    disk: fc.constantFrom(10, 100.5),
    price: fc.constantFrom(0, 0.1, 0.30000000000000004, 0.3, 2.5, 90),
    region: word('eu-west', 'us east', 'us_east'),
    network: fc.constantFrom('none', 'public'),
    runner: fc.constantFrom('sandbox', 'oci'),
    arch: fc.constantFrom('x64', 'arm64'),
    reliability: number(0, 0.5, 1),
    duration: fc.constantFrom(1, 24),
    verified: fc.boolean(),
    asset: fc.constantFrom('1', '2', '10', '9'),
    operator: address,
  })
  .chain((row) =>
    fc
      .record({
        buyer: fc.option(address, { freq: 6, nil: null }),
        expiry: fc.constantFrom(999, 1_000, 5_000),
      })
      .map((rest) => ({ row: { ...row, id: newId() }, ...rest })),
  )

const terms = fc.constantFrom(
  'gpu_name=H100',
  'gpu_name!=rtx_4090',
  'gpu_name in [h100,"rtx 4090"]',
  'gpu_name notin [nothing,É]',
  'gpu_name=none_such',
  'num_gpus>=1',
  'num_gpus=8',
  'num_gpus!=0',
  'gpu_ram>24',
  'gpu_ram!=24',
  'gpu_ram in [80,79.6]',
  'gpu_ram notin [80,79.6,1]',
  'price<0.3',
  'price<=0.3',
  'price>0.3',
  'price=0.3',
  'price>0 price<2.5',
  'price<0',
  'price in [0.1,90]',
  'region=us_east',
  'region!=eu-west',
  'reliability>=0.5',
  'reliability<0.5',
  'verified=true',
  'verified!=true',
  'asset=1',
  'asset in [2,10]',
  `operator=0x${'1'.repeat(40)}`,
  `operator!=0x${'B'.repeat(40)}`,
  'runner notin [oci]',
  'duration>=24 disk>50 cpu_ram>4 cpu_cores<16',
)

const orders = fc.constantFrom(
  '',
  'price',
  'price-',
  'price,num_gpus-',
  'price-,id-',
  'gpu_name',
  'gpu_name-,price',
  'gpu_ram-',
  'reliability',
  'region-,arch,network',
  'verified-,price',
  'asset',
  'asset-,id',
  'operator,duration-',
  'id',
  'id-',
  'runner',
)

/** The plain meaning of a search: filter, sort, cut. */
function naive(all: readonly IndexedOffer[], query: string, order: string, buyer?: string): string[] {
  const parsed = parseQuery(query)
  const fields: readonly QueryOrder[] = parseOrder(order === '' ? 'price' : order)
  return all
    .filter(({ expiry }) => expiry >= NOW)
    .filter((offer) => offer.buyer === null || offer.buyer === buyer)
    .map(({ row }) => row)
    .filter((row) => matches(parsed, row))
    .sort((a, b) => compareRows(a, b, fields))
    .map(({ id }) => String(id))
}

function compareRows(a: OfferRow, b: OfferRow, fields: readonly QueryOrder[]): number {
  for (const { field, direction } of fields) {
    const [one, other] = [plain(a, field), plain(b, field)]
    if (one === other) continue
    if (one === null) return 1
    if (other === null) return -1
    return one < other === (direction === 'ascending') ? -1 : 1
  }
  return String(a.id) < String(b.id) ? -1 : 1
}

function plain(row: OfferRow, field: keyof OfferRow): string | number | null {
  const value = row[field]
  if (field === 'asset') return Number(value)
  if (typeof value === 'boolean') return Number(value)
  return typeof value === 'string' ? normaliseText(value) : value
}

/** Small segments, so that few offers fill several. */
function indexOf(all: readonly IndexedOffer[], segmentRows = 8): SearchIndex {
  const index = new SearchIndex(7, segmentRows)
  for (const offer of all) index.put(offer)
  return index
}

function allPages(index: SearchIndex, query: string, order: string, limit: number, buyer?: string): string[] {
  const ids: string[] = []
  const request = { query: parseQuery(query), order: parseOrder(order), limit, now: NOW }
  for (let after: ReturnType<SearchIndex['search']>['next']; ; ) {
    const page = index.search({
      ...request,
      ...(after === undefined ? {} : { after }),
      ...(buyer === undefined ? {} : { buyer }),
    })
    ids.push(...page.rows.map(({ id }) => id))
    if (page.next === undefined) return ids
    after = page.next
  }
}

describe('SearchIndex', () => {
  test('default', () => {
    fc.assert(
      fc.property(
        fc.array(offers, { maxLength: 60 }),
        fc.array(terms, { maxLength: 3 }),
        orders,
        fc.integer({ min: 1, max: 70 }),
        fc.option(address, { nil: undefined }),
        (all, query, order, limit, buyer) => {
          const found = allPages(indexOf(all), query.join(' '), order, limit, buyer)
          expect(found).toEqual(naive(all, query.join(' '), order, buyer))
        },
      ),
      { numRuns: 1500 },
    )
  })

  test('behavior: terms on the id find, join and exclude', () => {
    fc.assert(
      fc.property(fc.array(offers, { minLength: 3, maxLength: 12 }), (all) => {
        const [a, b, c] = all.map(({ row }) => row.id)
        const index = indexOf(all)
        for (const query of [
          `id=${a}`,
          `id in [${a},${b}] price>=0`,
          `id in [${a},${b}] id in [${b},${c}]`,
          `id in [${a},${b}] id!=${b}`,
          `id notin [${a},${c}]`,
          `id=${newId()}`,
          'id=0x12',
          'id!=0x12',
        ])
          expect(allPages(index, query, '', 5)).toEqual(naive(all, query, ''))
      }),
    )
  })

  test('behavior: many segments, removals, replacements and standings leave what the plain meaning leaves', () => {
    const samples = fc.sample(offers, { numRuns: 3_000, seed: 11 })
    const all = new Map<string, IndexedOffer>()
    const index = new SearchIndex(123)
    let state = 42
    const random = (below: number) => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
      return (state >>> 8) % below
    }
    for (let step = 0; step < 60_000; step++) {
      const sample = samples[random(samples.length)]
      if (sample === undefined) continue
      const ids = step % 7 === 0 ? [...all.keys()] : []
      if (step % 7 === 0 && step % 3 === 0 && ids.length > 20_000) {
        for (const id of ids.slice(0, 15_000)) {
          all.delete(id)
          index.remove(id as Hash)
        }
      }
      const offer = { ...sample, row: { ...sample.row, id: newId(), price: random(5_000) / 100 } }
      all.set(String(offer.row.id), offer)
      index.put(offer)
    }
    const replaced = [...all.values()].slice(0, 500)
    for (const offer of replaced) {
      const other = { ...offer, row: { ...offer.row, price: 7.77 } }
      all.set(String(offer.row.id), other)
      index.put(other)
    }
    index.setStandings(new Map([['10', { reliability: 0.25 }]]))
    for (const [id, offer] of all) {
      if (offer.row.asset !== '10') continue
      all.set(id, { ...offer, row: { ...offer.row, reliability: 0.25 } })
    }
    expect(index.size).toBe(all.size)
    for (const id of all.keys()) expect(index.has(id as Hash)).toBe(true)
    const list = [...all.values()]
    const queries = fc.sample(
      fc.tuple(fc.array(terms, { maxLength: 3 }), orders, fc.integer({ min: 0, max: 400 })),
      {
        numRuns: 60,
        seed: 5,
      },
    )
    for (const [parts, order, limit] of [
      [['price>7.5 price<8'], 'price-', 0] as const,
      [['reliability=0.25 verified=true'], 'operator,price-', 0] as const,
      ...queries,
    ]) {
      const query = parts.join(' ')
      const wanted = naive(list, query, order)
      const request = { query: parseQuery(query), order: parseOrder(order), now: NOW }
      const ids = (result: ReturnType<SearchIndex['search']>) => result.rows.map(({ id }) => id)
      const page = index.search({ ...request, limit: limit + 1 })
      expect(ids(page)).toEqual(wanted.slice(0, limit + 1))
      if (page.next !== undefined)
        expect(ids(index.search({ ...request, limit: 50, after: page.next }))).toEqual(
          wanted.slice(limit + 1, limit + 51),
        )
    }
  })

  test('behavior: a page goes on where the last one ended though offers come and go', () => {
    const all = fc.sample(offers, { numRuns: 400, seed: 3 })
    const index = indexOf(all)
    const request = { query: parseQuery(''), order: parseOrder('gpu_name,price'), limit: 40, now: NOW }
    const first = index.search(request)
    const rest = naive(all, '', 'gpu_name,price').slice(40)
    // The row the cursor names goes, and a word that sorts in between comes.
    index.remove(first.rows[39]?.id as Hash)
    const sample = all[0] as IndexedOffer
    index.put({
      ...sample,
      buyer: `0x${'9'.repeat(40)}`,
      row: { ...sample.row, id: newId(), gpu_name: 'B1' },
    })
    const found: string[] = []
    for (let after = first.next; after !== undefined; ) {
      const page = index.search({ ...request, after })
      found.push(...page.rows.map(({ id }) => id))
      after = page.next
    }
    expect(found).toEqual(rest)
  })
})
