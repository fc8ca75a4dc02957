/**
 * Prices a duration, rounded up to a whole base unit: what `openLease` locks.
 *
 * @param pricePerHour In base units of the currency.
 * @param seconds Whole seconds.
 * @returns Base units; equal to `IMarket.priceUp`.
 * @example
 * priceUp(360_000n, 61) // 6100n
 */
export function priceUp(pricePerHour: bigint, seconds: number | bigint): bigint {
  return (pricePerHour * BigInt(seconds) + 3599n) / 3600n
}
