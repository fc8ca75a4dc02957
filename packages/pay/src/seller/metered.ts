/** A price that grows while an answer streams. */
export interface Metered {
  readonly per: 'second' | 'byte'
  /** Base units for `units` of them. */
  readonly price: bigint
  /** Default 1. */
  readonly units?: number
}

/** What has been used of a streaming answer. */
export interface Usage {
  readonly bytes: number
  readonly ms: number
}

/** What a usage costs, in base units: rounded up, for part of a unit was delivered too. */
export function meteredCost({ per, price, units = 1 }: Metered, { bytes, ms }: Usage): bigint {
  const [used, whole] =
    per === 'byte' ? [BigInt(bytes), BigInt(units)] : [BigInt(Math.ceil(ms)), BigInt(units) * 1000n]
  return (used * price + whole - 1n) / whole
}

/** How many bytes more, or until how many milliseconds, `money` lasts. */
export function lastsFor({ per, price, units = 1 }: Metered, money: bigint): number {
  if (price === 0n) return Number.MAX_SAFE_INTEGER
  const scale = per === 'byte' ? BigInt(units) : BigInt(units) * 1000n
  const lasts = (money * scale) / price
  return lasts > BigInt(Number.MAX_SAFE_INTEGER) ? Number.MAX_SAFE_INTEGER : Number(lasts)
}
