import type { Segment } from './Segment.ts'

/** Rows of one zone: few enough that a pass over them stays in the processor's nearest cache. */
export const ZONE_ROWS = 1024

/**
 * For each 1024 rows of a sealed segment, what their columns can hold: smallest and largest number, whether one is not known,
 * and which words. Most zones can be passed over, or taken whole, without a look at their rows. Rows that go leave a zone wider
 * than it need be, which is never wrong.
 */
export class Zones {
  readonly #min: readonly Float64Array[]
  readonly #max: readonly Float64Array[]
  readonly #missing: readonly Uint8Array[]
  readonly #words: readonly Uint32Array[]
  /** Smallest first bytes of an id. */
  readonly idKeys: Float64Array
  readonly maxIdKeys: Float64Array

  constructor(segment: Segment) {
    const zones = Math.ceil(segment.count / ZONE_ROWS)
    this.#min = segment.numbers.map(() => new Float64Array(zones).fill(Number.POSITIVE_INFINITY))
    this.#max = segment.numbers.map(() => new Float64Array(zones).fill(Number.NEGATIVE_INFINITY))
    this.#missing = segment.numbers.map(() => new Uint8Array(zones))
    this.#words = segment.codes.map(() => new Uint32Array(zones))
    this.idKeys = new Float64Array(zones).fill(Number.POSITIVE_INFINITY)
    this.maxIdKeys = new Float64Array(zones).fill(Number.NEGATIVE_INFINITY)
    for (let row = 0; row < segment.count; row++) {
      const zone = Math.floor(row / ZONE_ROWS)
      segment.numbers.forEach((column, at) => {
        this.widen(at, row, column[row] ?? Number.NaN)
      })
      segment.codes.forEach((column, at) => {
        const words = this.#words[at]
        if (words !== undefined) words[zone] = ((words[zone] ?? 0) | wordBit(column[row] ?? 0)) >>> 0
      })
      const idKey = segment.idKeys[row] ?? 0
      this.idKeys[zone] = Math.min(this.idKeys[zone] ?? 0, idKey)
      this.maxIdKeys[zone] = Math.max(this.maxIdKeys[zone] ?? 0, idKey)
    }
  }

  /** Notes that a row's number may be `value` now. */
  widen(column: number, row: number, value: number): void {
    const zone = Math.floor(row / ZONE_ROWS)
    const [min, max, missing] = [this.#min[column], this.#max[column], this.#missing[column]]
    if (min === undefined || max === undefined || missing === undefined) return
    if (Number.isNaN(value)) {
      missing[zone] = 1
      return
    }
    min[zone] = Math.min(min[zone] ?? 0, value)
    max[zone] = Math.max(max[zone] ?? 0, value)
  }

  /** Smallest known number; infinite if none is known. */
  min(column: number, zone: number): number {
    return this.#min[column]?.[zone] ?? Number.NEGATIVE_INFINITY
  }

  /** Largest known number; minus infinite if none is known. */
  max(column: number, zone: number): number {
    return this.#max[column]?.[zone] ?? Number.POSITIVE_INFINITY
  }

  /** Whether a number may be not known. */
  missing(column: number, zone: number): boolean {
    return this.#missing[column]?.[zone] === 1
  }

  /** Bits of `wordBit` of every word that may be there. */
  words(column: number, zone: number): number {
    return this.#words[column]?.[zone] ?? 0xffffffff
  }
}

/** The bit that stands for a code, and for others that leave the same remainder. */
export function wordBit(code: number): number {
  return (1 << (code & 31)) >>> 0
}
