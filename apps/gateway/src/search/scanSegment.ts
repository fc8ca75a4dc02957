import type { Segment } from './Segment.ts'
import type { SortKey } from './sortKeys.ts'
import { toKey } from './sortKeys.ts'
import { compareIds, type TopRows } from './TopRows.ts'
import type { PriceRange, Test } from './tests.ts'
import { ZONE_ROWS, type Zones } from './Zones.ts'

/** A search in progress. */
export interface Scan {
  readonly tests: readonly Test[]
  readonly keys: readonly SortKey[]
  readonly top: TopRows
  readonly price: PriceRange
  readonly skip: ReadonlyMap<Segment, ReadonlySet<number>>
  /** Only rows behind this place in the order are wanted. */
  readonly after:
    | { readonly keys: readonly number[]; readonly idKey: number; readonly id: Uint8Array }
    | undefined
}

const selected = new Uint32Array(ZONE_ROWS)

/** Adds the rows of `range` that meet every test to the scan's best. */
export function scanSegment(segment: Segment, scan: Scan, range: { from: number; to: number }): void {
  const { zones } = segment
  const first = scan.keys[0]
  const tests = [...scan.tests].sort((a, b) => passRate(a) - passRate(b))
  const ranked = { keys: scan.keys, columns: scan.keys.map((key) => key.column(segment)) }
  const { from, to } = zones === undefined ? range : withinPrices(segment, scan, range)
  const firstZone = Math.floor(from / ZONE_ROWS)
  const zoneCount = Math.ceil(to / ZONE_ROWS) - firstZone
  // Dearest first is looked at from the dear end.
  const backwards = zones !== undefined && first?.order.field === 'price' && first.sign === -1
  for (let index = 0; index < zoneCount; index++) {
    const zone = backwards ? firstZone + zoneCount - 1 - index : firstZone + index
    const start = Math.max(from, zone * ZONE_ROWS)
    const end = Math.min(to, (zone + 1) * ZONE_ROWS)
    if (zones === undefined) {
      scanRows(segment, scan, { start, end, tests, ranked })
      continue
    }
    const hope = outlook(zones, zone, scan)
    // In order of price: once a zone is too dear, so are all behind it.
    if (hope === 'none behind') return
    if (hope === 'none') continue
    const open = openTests(segment, zones, { zone, tests })
    if (open !== undefined) scanRows(segment, scan, { start, end, tests: open, ranked })
  }
}

/** Whether the zone can have a row better than the worst of those kept. */
function outlook(zones: Zones, zone: number, scan: Scan): 'some' | 'none' | 'none behind' {
  const worst = scan.top.full ? scan.top.worst : undefined
  if (worst === undefined) return 'some'
  for (let at = 0; at < scan.keys.length; at++) {
    const key = scan.keys[at] as SortKey
    const best = key.best(zones, zone)
    const bar = worst.keys[at] as number
    if (best < bar) return 'some'
    if (best > bar) return at === 0 && key.order.field === 'price' ? 'none behind' : 'none'
  }
  return (zones.idKeys[zone] as number) <= (worst.keys[scan.keys.length] as number) ? 'some' : 'none'
}

/** The tests that the zone's rows must be put to one by one; undefined if none of them can pass. */
function openTests(
  segment: Segment,
  zones: Zones,
  of: { readonly zone: number; readonly tests: readonly Test[] },
): readonly Test[] | undefined {
  const open: Test[] = []
  for (const test of of.tests) {
    const verdict = test.verdict(segment, zones, of.zone)
    if (verdict === 'none') return undefined
    if (verdict === 'some') open.push(test)
  }
  return open
}

function scanRows(
  segment: Segment,
  scan: Scan,
  of: {
    readonly start: number
    readonly end: number
    readonly tests: readonly Test[]
    readonly ranked: Ranked
  },
): void {
  let count = selectAlive(segment, of.start, of.end)
  const bar = barOf(scan)
  const reached = scan.after?.keys[0] ?? Number.NEGATIVE_INFINITY
  // Where the best so far are good, few rows come near them, and the tests need not look at the others.
  if (bar < Number.POSITIVE_INFINITY || reached > Number.NEGATIVE_INFINITY)
    count = narrowByKey(of.ranked, count, { low: reached, high: bar })
  for (const test of of.tests) {
    if (count === 0) return
    const kept = test.narrow(segment, selected, count)
    test.seen += count
    test.kept += kept
    count = kept
  }
  if (count > 0) rank(segment, scan, of.ranked, count)
}

function passRate(test: Test): number {
  return test.seen === 0 ? 0.5 : test.kept / test.seen
}

/** No row whose first key is above this can be among the best. */
function barOf(scan: Scan): number {
  return (scan.top.full ? scan.top.worst?.keys[0] : undefined) ?? Number.POSITIVE_INFINITY
}

/** Keeps the selected rows whose first key is between the bounds, and those whose number is not known. */
function narrowByKey(
  ranked: Ranked,
  count: number,
  bounds: { readonly low: number; readonly high: number },
): number {
  const { byCode, sign } = ranked.keys[0] as SortKey
  const column = ranked.columns[0] as Float64Array
  const { low, high } = bounds
  let kept = 0
  if (byCode === undefined) {
    for (let index = 0; index < count; index++) {
      const row = selected[index] as number
      const key = sign * (column[row] as number)
      selected[kept] = row
      kept += key < low || key > high ? 0 : 1
    }
    return kept
  }
  // The last place is that of what is not known, in either direction: `sign` must not turn it into the first.
  const [from, to] = sign === 1 ? [low, high] : [-high, -low]
  for (let index = 0; index < count; index++) {
    const row = selected[index] as number
    const key = byCode[column[row] as number] as number
    selected[kept] = row
    kept += (key < from || key > to) && key !== Number.POSITIVE_INFINITY ? 0 : 1
  }
  return kept
}

function selectAlive(segment: Segment, start: number, end: number): number {
  if (segment.aliveCount === segment.count) {
    for (let row = start; row < end; row++) selected[row - start] = row
    return end - start
  }
  let count = 0
  for (let row = start; row < end; row++) {
    selected[count] = row
    count += segment.alive[row] as number
  }
  return count
}

/** Narrows a range of a sealed segment to the prices that the query and the cursor leave. */
function withinPrices(
  segment: Segment,
  scan: Scan,
  range: { from: number; to: number },
): { from: number; to: number } {
  let { low, high } = scan.price
  const first = scan.keys[0]
  const reached = scan.after?.keys[0]
  if (first?.order.field === 'price' && reached !== undefined) {
    if (first.sign === 1) low = Math.max(low, reached)
    else high = Math.min(high, -reached)
  }
  const from = lowerBound(segment, (price) => price >= low)
  const to = lowerBound(segment, (price) => price > high)
  return { from: Math.max(range.from, from), to: Math.min(range.to, to) }
}

/** First row of a sealed segment whose price is `far` enough. */
function lowerBound(segment: Segment, far: (price: number) => boolean): number {
  let low = 0
  let high = segment.count
  while (low < high) {
    const middle = (low + high) >>> 1
    if (far(segment.numbers[0]?.[middle] ?? 0)) high = middle
    else low = middle + 1
  }
  return low
}

/** A segment's sort columns beside the keys that read them. */
interface Ranked {
  readonly keys: readonly SortKey[]
  readonly columns: readonly (Float64Array | Uint32Array)[]
}

/** Offers the first `count` selected rows to the best. Most are turned away by their first one or two keys. */
function rank(segment: Segment, scan: Scan, ranked: Ranked, count: number): void {
  const { top, after } = scan
  const { byCode, sign } = ranked.keys[0] as SortKey
  const column = ranked.columns[0] as Float64Array
  const skip = scan.skip.get(segment)
  const reached = after?.keys[0] ?? Number.NEGATIVE_INFINITY
  let worst = top.full ? top.worst : undefined
  let bar = barOf(scan)
  for (let index = 0; index < count; index++) {
    const row = selected[index] as number
    const raw = column[row] as number
    const key = toKey(byCode === undefined ? raw : (byCode[raw] as number), sign)
    if (key > bar || key < reached) continue
    if (worst !== undefined && key === bar && !mayBeat(segment, row, ranked, worst.keys)) continue
    if (after !== undefined && key === reached && !isBehind(segment, row, ranked, after)) continue
    if (skip?.has(row) === true) continue
    top.add({ keys: keysOf(segment, row, ranked), segment, row })
    worst = top.full ? top.worst : undefined
    bar = barOf(scan)
  }
}

function keyAt(ranked: Ranked, at: number, row: number): number {
  const { byCode, sign } = ranked.keys[at] as SortKey
  const raw = (ranked.columns[at] as Float64Array)[row] as number
  return toKey(byCode === undefined ? raw : (byCode[raw] as number), sign)
}

/** For a row that ties with the worst on the first key: whether the keys behind it leave it a chance. */
function mayBeat(segment: Segment, row: number, of: Ranked, worst: Float64Array): boolean {
  for (let at = 1; at < of.keys.length; at++) {
    const key = keyAt(of, at, row)
    if (key !== worst[at]) return key < (worst[at] as number)
  }
  return (segment.idKeys[row] as number) <= (worst[of.keys.length] as number)
}

/** For a row that ties with the cursor on the first key: whether it stands behind it. */
function isBehind(segment: Segment, row: number, of: Ranked, after: NonNullable<Scan['after']>): boolean {
  for (let at = 1; at < of.keys.length; at++) {
    const key = keyAt(of, at, row)
    if (key !== after.keys[at]) return key > (after.keys[at] as number)
  }
  const idKey = segment.idKeys[row] as number
  return idKey === after.idKey ? compareIds(segment, row, after.id) > 0 : idKey > after.idKey
}

function keysOf(segment: Segment, row: number, ranked: Ranked): Float64Array {
  const own = new Float64Array(ranked.keys.length + 1)
  for (let at = 0; at < ranked.keys.length; at++) own[at] = keyAt(ranked, at, row)
  own[ranked.keys.length] = segment.idKeys[row] ?? 0
  return own
}
