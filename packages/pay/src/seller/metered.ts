/**
 * Counts the units of one answer. Given its headers, it returns a function that is given each piece before it leaves and says how
 * many units all pieces so far come to. The count may fall where an answer corrects an estimate.
 */
export type MeterUnits = (headers: Headers) => (piece: Uint8Array) => number

/** A price that grows while an answer streams. */
export interface Metered {
  /** `second`, `byte`, or the name of another unit, such as `token`: lower case, at most 32 letters, digits and dashes. */
  readonly per: string
  /** Base units for `units` of them. */
  readonly price: bigint
  /** Default 1. */
  readonly units?: number
  /** Counts what is neither a second nor a byte; tokens are counted by `meterTokens` without it. Buyers are not told: they count for themselves. */
  readonly meter?: MeterUnits
}

/** What has been used of a streaming answer. */
export interface Usage {
  readonly bytes: number
  readonly ms: number
  /** Of what is neither. Default 0. */
  readonly units?: number
}

/** What a unit may be called. */
export const unitName = /^[a-z][a-z0-9-]{0,31}$/

/** What a usage costs, in base units: rounded up, for part of a unit was delivered too. */
export function meteredCost(metered: Metered, { bytes, ms, units = 0 }: Usage): bigint {
  const { per, price } = metered
  const used = per === 'byte' ? bytes : per === 'second' ? Math.ceil(ms) : units
  const whole = scaleOf(metered)
  return (BigInt(used) * price + whole - 1n) / whole
}

/** How many bytes more, or until how many milliseconds, or for how many units, `money` lasts. */
export function lastsFor(metered: Metered, money: bigint): number {
  if (metered.price === 0n) return Number.MAX_SAFE_INTEGER
  const lasts = (money * scaleOf(metered)) / metered.price
  return lasts > BigInt(Number.MAX_SAFE_INTEGER) ? Number.MAX_SAFE_INTEGER : Number(lasts)
}

/** What the price is for: so many units, or milliseconds. */
const scaleOf = ({ per, units = 1 }: Metered) => BigInt(units) * (per === 'second' ? 1000n : 1n)
