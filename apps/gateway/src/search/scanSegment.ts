import type { Segment } from './Segment.ts'
import type { SortKey } from './sortKeys.ts'
import { toKey } from './sortKeys.ts'
import { compareIds, type TopRows } from './TopRows.ts'
import type { PriceRange, Test } from './tests.ts'

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

/** Rows that one pass of a test goes over: few enough to stay in the processor's nearest cache. */
const BLOCK = 1024
const selected = new Uint32Array(BLOCK)

/** Adds the rows of `range` that meet every test to the scan's best. */
export function scanSegment(segment: Segment, scan: Scan, range: { from: number; to: number }): void {
  const first = scan.keys[0]
  const byPrice = segment.sealed && first?.order.field === 'price' ? first.sign : 0
  const tests = [...scan.tests].sort((a, b) => passRate(a) - passRate(b))
  const { from, to } = segment.sealed ? withinPrices(segment, scan, range) : range
  const blocks = Math.ceil((to - from) / BLOCK)
  for (let index = 0; index < blocks; index++) {
    const start = byPrice < 0 ? Math.max(from, to - (index + 1) * BLOCK) : from + index * BLOCK
    const end = byPrice < 0 ? to - index * BLOCK : Math.min(to, start + BLOCK)
    // Sorted by what is asked for: once the nearest row of a block is worse than the worst kept, so is all behind it.
    if (byPrice !== 0 && scan.top.full && first !== undefined) {
      const nearest = segment.numbers[0]?.[byPrice > 0 ? start : end - 1] ?? 0
      if (toKey(nearest, first.sign) > (scan.top.worst?.keys[0] ?? Number.POSITIVE_INFINITY)) return
    }
    let count = selectAlive(segment, start, end)
    for (const test of tests) {
      if (count === 0) break
      const kept = test.narrow(segment, selected, count)
      test.seen += count
      test.kept += kept
      count = kept
    }
    if (count > 0) rank(segment, scan, count)
  }
}

function passRate(test: Test): number {
  return test.seen === 0 ? 0.5 : test.kept / test.seen
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
function rank(segment: Segment, scan: Scan, count: number): void {
  const { keys, top, after } = scan
  const columns = keys.map((key) => key.column(segment))
  const ranked = { keys, columns }
  const skip = scan.skip.get(segment)
  const reached = after?.keys[0] ?? Number.NEGATIVE_INFINITY
  let worst = top.full ? top.worst : undefined
  let bar = worst?.keys[0] ?? Number.POSITIVE_INFINITY
  for (let index = 0; index < count; index++) {
    const row = selected[index] as number
    const key = keyAt(ranked, 0, row)
    if (key > bar || key < reached) continue
    if (worst !== undefined && key === bar && !mayBeat(segment, row, { keys, columns, worst: worst.keys }))
      continue
    if (after !== undefined && key === reached && !isBehind(segment, row, { keys, columns, after })) continue
    if (skip?.has(row) === true) continue
    top.add({ keys: keysOf(segment, row, ranked), segment, row })
    worst = top.full ? top.worst : undefined
    bar = worst?.keys[0] ?? Number.POSITIVE_INFINITY
  }
}

function keyAt(ranked: Ranked, at: number, row: number): number {
  const { byCode, sign } = ranked.keys[at] as SortKey
  const raw = (ranked.columns[at] as Float64Array)[row] as number
  return toKey(byCode === undefined ? raw : (byCode[raw] as number), sign)
}

/** For a row that ties with the worst on the first key: whether the keys behind it leave it a chance. */
function mayBeat(segment: Segment, row: number, of: Ranked & { readonly worst: Float64Array }): boolean {
  for (let at = 1; at < of.keys.length; at++) {
    const key = keyAt(of, at, row)
    if (key !== of.worst[at]) return key < (of.worst[at] as number)
  }
  return (segment.idKeys[row] as number) <= (of.worst[of.keys.length] as number)
}

/** For a row that ties with the cursor on the first key: whether it stands behind it. */
function isBehind(
  segment: Segment,
  row: number,
  of: Ranked & { readonly after: NonNullable<Scan['after']> },
): boolean {
  for (let at = 1; at < of.keys.length; at++) {
    const key = keyAt(of, at, row)
    if (key !== of.after.keys[at]) return key > (of.after.keys[at] as number)
  }
  const idKey = segment.idKeys[row] as number
  return idKey === of.after.idKey ? compareIds(segment, row, of.after.id) > 0 : idKey > of.after.idKey
}

function keysOf(segment: Segment, row: number, ranked: Ranked): Float64Array {
  const own = new Float64Array(ranked.keys.length + 1)
  for (let at = 0; at < ranked.keys.length; at++) own[at] = keyAt(ranked, at, row)
  own[ranked.keys.length] = segment.idKeys[row] ?? 0
  return own
}
