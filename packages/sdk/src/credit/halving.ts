/**
 * What is left of something that loses half of itself each half-life: exact at every half-life and linear in between, rounded down.
 * Depreciation curves and auction prices are made of it. Equal to `Halving.leftDown` of the contracts.
 *
 * @param amount At the start, in base units.
 * @param elapsed Seconds since then.
 * @param halfLife Seconds in which half is lost.
 * @returns Base units.
 * @example
 * const left = halvingLeft(100_000_000_000n, 86_400 * 365, 86_400 * 730)
 */
export function halvingLeft(amount: bigint, elapsed: number, halfLife: number): bigint {
  const halvings = Math.floor(elapsed / halfLife)
  if (halvings > 255) return 0n
  const left = amount >> BigInt(halvings)
  // Rounded up, so that what is left is rounded down.
  const lost = left * BigInt(elapsed % halfLife)
  const whole = 2n * BigInt(halfLife)
  return left - (lost + whole - 1n) / whole
}

/**
 * What a sale is expected to bring: the appraisal after its curve, less the haircut, rounded down. Equal to `IAppraisals.valueOf`.
 *
 * @param value Appraised value in base units.
 * @param age Seconds since the appraisal.
 * @param curve The depreciation curve.
 * @returns Base units.
 * @example
 * const worth = depreciatedValue(100_000_000_000n, 86_400 * 365, { halfLife: 86_400 * 730, haircutBps: 2_500 })
 */
export function depreciatedValue(
  value: bigint,
  age: number,
  curve: { readonly halfLife: number; readonly haircutBps: number },
): bigint {
  return (halvingLeft(value, age, curve.halfLife) * BigInt(10_000 - curve.haircutBps)) / 10_000n
}
