import { numberColumns, textColumns } from './fields.ts'
import { Zones } from './Zones.ts'

/** Rows of one segment, usually. */
export const SEGMENT_ROWS = 16_384

/** Bytes of an offer's id. */
export const ID_BYTES = 32

/** A block of rows, column by column. While it fills it is in order of arrival; sealed, in order of price, then id. */
export class Segment {
  readonly numbers: readonly Float64Array[]
  readonly codes: readonly Uint32Array[]
  readonly ids: Uint8Array
  /** First 6 bytes of the id as a number: breaks ties. */
  readonly idKeys: Float64Array
  /** Last second at which the offer can be opened. */
  readonly expiries: Float64Array
  /** 1 for a row that is there, 0 for one that was removed. */
  readonly alive: Uint8Array
  count = 0
  aliveCount = 0
  /** No row expires before this second. */
  minExpiry = Number.POSITIVE_INFINITY
  /** Of a sealed segment. */
  zones: Zones | undefined

  constructor(rows: number) {
    this.numbers = numberColumns.map(() => new Float64Array(rows))
    this.codes = textColumns.map(() => new Uint32Array(rows))
    this.ids = new Uint8Array(rows * ID_BYTES)
    this.idKeys = new Float64Array(rows)
    this.expiries = new Float64Array(rows)
    this.alive = new Uint8Array(rows)
  }

  /** Copies a row of another segment behind the last one; returns its place. */
  append(from: Segment, row: number): number {
    const to = this.count++
    copyColumns(this.numbers, to, from.numbers, row)
    copyColumns(this.codes, to, from.codes, row)
    this.ids.set(from.ids.subarray(row * ID_BYTES, (row + 1) * ID_BYTES), to * ID_BYTES)
    this.idKeys[to] = from.idKeys[row] ?? 0
    const expiry = from.expiries[row] ?? 0
    this.expiries[to] = expiry
    this.minExpiry = Math.min(this.minExpiry, expiry)
    this.alive[to] = 1
    this.aliveCount++
    return to
  }

  /** The rows that are there, in a segment of their own, in order of price, then id. */
  toSealed(): Segment {
    const price = this.numbers[0] ?? new Float64Array(0)
    const rows: number[] = []
    for (let row = 0; row < this.count; row++) if (this.alive[row] === 1) rows.push(row)
    const at = (column: Float64Array, row: number) => column[row] ?? 0
    rows.sort((a, b) => at(price, a) - at(price, b) || at(this.idKeys, a) - at(this.idKeys, b))
    const sealed = new Segment(rows.length)
    for (const row of rows) sealed.append(this, row)
    sealed.zones = new Zones(sealed)
    return sealed
  }
}

function copyColumns(
  to: readonly (Float64Array | Uint32Array)[],
  toRow: number,
  from: readonly (Float64Array | Uint32Array)[],
  fromRow: number,
): void {
  for (let column = 0; column < to.length; column++) {
    const target = to[column]
    const source = from[column]
    if (target !== undefined && source !== undefined) target[toRow] = source[fromRow] ?? 0
  }
}
