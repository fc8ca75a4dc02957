import type { OfferRow, Query, QueryOrder } from '@millrace/sdk'
import { bytesToHex, type Hash, hexToBytes } from 'viem'
import { Dictionary, decimalPrefix, hexPrefix } from './Dictionary.ts'
import { numberAt, numberColumns, textAt, textColumns } from './fields.ts'
import { hashOf, IdTable } from './IdTable.ts'
import { ID_BYTES, SEGMENT_ROWS, Segment } from './Segment.ts'
import { scanSegment } from './scanSegment.ts'
import { type SortValue, sortKeys } from './sortKeys.ts'
import { compareIds, idOf, TopRows } from './TopRows.ts'
import { buyerTest, compileTests, expiryTest, priceRange } from './tests.ts'

/** What the index keeps of one live offer. */
export interface IndexedOffer {
  readonly row: OfferRow
  /** Who alone may open it; `null` for anyone. */
  readonly buyer: string | null
  /** Last second at which it can be opened, Unix seconds. */
  readonly expiry: number
}

/** Where a page ended: the values that its last row was sorted by, and its id. */
export interface SearchPlace {
  readonly values: readonly SortValue[]
  readonly id: Hash
}

/** A search. */
export interface SearchRequest {
  readonly query: Query
  /** Price first if empty. Equal rows are in order of id. */
  readonly order: readonly QueryOrder[]
  /** Most rows to find, at least 1. */
  readonly limit: number
  /** Continues behind this row. */
  readonly after?: SearchPlace
  /** Also finds offers made for this buyer alone. */
  readonly buyer?: string
  /** Unix seconds: what expires before is not found. */
  readonly now: number
}

/** An offer that was found. */
export interface FoundOffer extends AssetStanding {
  readonly verified: boolean
  readonly id: Hash
}

/** Offers in order, and where the next page starts if there may be one. */
export interface SearchResult {
  readonly rows: readonly FoundOffer[]
  readonly next: SearchPlace | undefined
}

/** What the chain says of an asset. */
export interface AssetStanding {
  /** From 0 to 1, or `null` where nothing is known. */
  readonly reliability: number | null
}

const byPrice: readonly QueryOrder[] = [{ field: 'price', direction: 'ascending' }]

/** A segment whose rows are mostly gone is folded into the newest. */
const SPARSE = 1 / 4

/**
 * All live offers in columns of numbers, so that a search reads only what it asks about. Full segments are kept in order of
 * price, so that the commonest order ends early. The database is the truth; this is made from it.
 */
export class SearchIndex {
  readonly #segments: Segment[]
  readonly #segmentRows: number
  readonly #free: number[] = []
  /** Place of the segment that new rows go to. */
  #filling = 0
  #size = 0
  readonly #dictionaries = textColumns.map((name) => {
    if (name === 'asset') return new Dictionary(decimalPrefix)
    return name === 'operator' || name === 'buyer' ? new Dictionary(hexPrefix) : new Dictionary()
  })
  readonly #table: IdTable

  /**
   * @param seed Any 32-bit number, unknown to others.
   * @param segmentRows Rows that are put in order together.
   */
  constructor(seed: number, segmentRows: number = SEGMENT_ROWS) {
    this.#segmentRows = segmentRows
    this.#segments = [new Segment(segmentRows)]
    this.#table = new IdTable(
      {
        isAt: (place, id) => {
          const { segment, row } = this.#locate(place)
          return compareIds(segment, row, id) === 0
        },
        hashAt: (place) => {
          const { segment, row } = this.#locate(place)
          return hashOf(segment.ids, row * ID_BYTES)
        },
      },
      seed,
    )
  }

  /** Offers held. */
  get size(): number {
    return this.#size
  }

  has(id: Hash): boolean {
    return this.#table.find(hexToBytes(id)) >= 0
  }

  /** Adds an offer, or replaces the one with its id. */
  put(offer: IndexedOffer): void {
    const id = hexToBytes(offer.row.id as Hash)
    this.#removeBytes(id)
    const segment = this.#segmentToFill()
    const row = segment.count++
    numberColumns.forEach((name, at) => {
      const value = offer.row[name]
      const column = segment.numbers[at]
      if (column !== undefined) column[row] = value === null ? Number.NaN : Number(value)
    })
    textColumns.forEach((name, at) => {
      const column = segment.codes[at]
      const word = name === 'buyer' ? offer.buyer : offer.row[name]
      if (column !== undefined) column[row] = this.#dictionaries[at]?.take(word) ?? 0
    })
    segment.ids.set(id, row * ID_BYTES)
    segment.idKeys[row] = hexPrefix(offer.row.id ?? '')
    segment.expiries[row] = offer.expiry
    segment.minExpiry = Math.min(segment.minExpiry, offer.expiry)
    segment.alive[row] = 1
    segment.aliveCount++
    this.#size++
    this.#table.add(this.#filling * this.#segmentRows + row)
  }

  /** Removes an offer; one that is not there is not missed. */
  remove(id: Hash): void {
    this.#removeBytes(hexToBytes(id))
  }

  /** Removes what expired before `now`; answers how many. */
  removeExpired(now: number): number {
    const expired: Uint8Array[] = []
    for (const segment of this.#segments) {
      if (segment.minExpiry >= now) continue
      let next = Number.POSITIVE_INFINITY
      for (let row = 0; row < segment.count; row++) {
        if (segment.alive[row] !== 1) continue
        const expiry = segment.expiries[row] ?? 0
        if (expiry < now) expired.push(idOf(segment, row).slice())
        else next = Math.min(next, expiry)
      }
      segment.minExpiry = next
    }
    for (const id of expired) this.#removeBytes(id)
    return expired.length
  }

  /** Notes what became known of assets, on all their offers. */
  setStandings(standings: ReadonlyMap<string, AssetStanding>): void {
    const dictionary = this.#dictionaries[textAt.asset]
    const byCode = new Map<number, AssetStanding>()
    for (const [asset, standing] of standings) {
      const code = dictionary?.codeOf(asset)
      if (code !== undefined) byCode.set(code, standing)
    }
    if (byCode.size === 0) return
    for (const segment of this.#segments) {
      const assets = segment.codes[textAt.asset]
      const reliability = segment.numbers[numberAt.reliability]
      if (assets === undefined || reliability === undefined) continue
      for (let row = 0; row < segment.count; row++) {
        const standing = byCode.get(assets[row] ?? 0)
        if (standing === undefined) continue
        reliability[row] = standing.reliability ?? Number.NaN
        segment.zones?.widen(numberAt.reliability, row, reliability[row] ?? Number.NaN)
      }
    }
  }

  /**
   * Finds the first `limit` live offers that meet the query, in order.
   * @example index.search({ query: parseQuery('gpu_name=H100'), order: parseOrder('price'), limit: 20, now })
   */
  search(request: SearchRequest): SearchResult {
    const { query, limit, now } = request
    const order = request.order.length === 0 ? byPrice : request.order
    const keys = sortKeys(order, this.#dictionaries)
    const buyers = this.#dictionaries[textAt.buyer]
    const tests = compileTests(query, this.#dictionaries)
    tests.push(expiryTest(now))
    if (buyers !== undefined && buyers.size > 1) tests.push(buyerTest(buyers, request.buyer?.toLowerCase()))
    const ids = this.#idTerms(query)
    const top = new TopRows(limit)
    const scan = {
      tests,
      keys,
      top,
      price: priceRange(query),
      skip: ids.excluded,
      after:
        request.after === undefined
          ? undefined
          : {
              keys: keys.map((key, at) => key.keyOf(request.after?.values[at] ?? null)),
              idKey: hexPrefix(request.after.id),
              id: hexToBytes(request.after.id),
            },
    }
    if (ids.wanted !== undefined) {
      for (const place of ids.wanted) {
        const { segment, row } = this.#locate(place)
        scanSegment(segment, scan, { from: row, to: row + 1 })
      }
    } else {
      for (const segment of this.#scattered()) scanSegment(segment, scan, { from: 0, to: segment.count })
    }
    const found = top.sorted()
    const last = found[found.length - 1]
    return {
      rows: found.map(({ segment, row }) => {
        const reliability = segment.numbers[numberAt.reliability]?.[row] ?? Number.NaN
        return {
          id: bytesToHex(idOf(segment, row)),
          reliability: Number.isNaN(reliability) ? null : reliability,
          verified: segment.numbers[numberAt.verified]?.[row] === 1,
        }
      }),
      next:
        found.length < limit || last === undefined
          ? undefined
          : {
              values: keys.map((key) => key.valueOf(last.segment, last.row)),
              id: bytesToHex(idOf(last.segment, last.row)),
            },
    }
  }

  /** Rows that terms on `id` name: the only ones to look at, or those to skip. */
  #idTerms(query: Query): { wanted: Set<number> | undefined; excluded: ReadonlyMap<Segment, Set<number>> } {
    let wanted: Set<number> | undefined
    const excluded = new Map<Segment, Set<number>>()
    for (const term of query.terms) {
      if (term.type !== 'text' || term.field !== 'id') continue
      const words = 'values' in term ? term.values : [term.value]
      const places = words
        .filter((word) => /^0x[0-9a-f]{64}$/.test(word))
        .map((word) => this.#table.find(hexToBytes(word as Hash)))
        .filter((place) => place >= 0)
      if (term.op === '=' || term.op === 'in') {
        const before: Set<number> | undefined = wanted
        wanted = new Set(before === undefined ? places : places.filter((place) => before.has(place)))
      } else {
        for (const place of places) {
          const { segment, row } = this.#locate(place)
          excluded.set(segment, (excluded.get(segment) ?? new Set()).add(row))
        }
      }
    }
    return { wanted, excluded }
  }

  /** Segments in an order unlike that of arrival: rows that come in ever better would each pass for the best so far. */
  *#scattered(): Generator<Segment> {
    const count = this.#segments.length
    let step = Math.max(1, Math.floor(count * 0.618))
    while (greatestCommonDivisor(step, count) > 1) step++
    for (let index = 0; index < count; index++) {
      const segment = this.#segments[(index * step) % count]
      if (segment !== undefined && segment.aliveCount > 0) yield segment
    }
  }

  #locate(place: number): { segment: Segment; row: number } {
    const segment = this.#segments[Math.floor(place / this.#segmentRows)] ?? EMPTY
    return { segment, row: place % this.#segmentRows }
  }

  #segmentToFill(): Segment {
    const filling = this.#segments[this.#filling]
    if (filling !== undefined && filling.count < this.#segmentRows) return filling
    if (filling !== undefined) this.#seal(filling)
    const next = new Segment(this.#segmentRows)
    this.#filling = this.#free.pop() ?? this.#segments.length
    this.#segments[this.#filling] = next
    return next
  }

  /** Puts the full segment in order; rows keep the segment's number and get new places in it. */
  #seal(filling: Segment): void {
    const base = this.#filling * this.#segmentRows
    for (let row = 0; row < filling.count; row++) if (filling.alive[row] === 1) this.#table.delete(base + row)
    const sealed = filling.toSealed()
    this.#segments[this.#filling] = sealed
    for (let row = 0; row < sealed.count; row++) this.#table.add(base + row)
    if (sealed.count === 0) this.#free.push(this.#filling)
  }

  #removeBytes(id: Uint8Array): void {
    const place = this.#table.find(id)
    if (place < 0) return
    const { segment, row } = this.#locate(place)
    this.#table.delete(place)
    segment.alive[row] = 0
    segment.aliveCount--
    this.#size--
    textColumns.forEach((_, at) => {
      this.#dictionaries[at]?.release(segment.codes[at]?.[row] ?? 0)
    })
    if (segment.zones !== undefined && segment.aliveCount < segment.count * SPARSE)
      this.#fold(Math.floor(place / this.#segmentRows))
  }

  /** Moves what is left of a segment into the one that fills. */
  #fold(number: number): void {
    const sparse = this.#segments[number]
    if (sparse === undefined) return
    for (let row = 0; row < sparse.count; row++) {
      if (sparse.alive[row] !== 1) continue
      this.#table.delete(number * this.#segmentRows + row)
      const target = this.#segmentToFill()
      const to = target.append(sparse, row)
      this.#table.add(this.#filling * this.#segmentRows + to)
    }
    this.#segments[number] = EMPTY
    this.#free.push(number)
  }
}

const EMPTY = new Segment(0)

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b)
}
