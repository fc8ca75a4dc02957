import { ParameterError } from './RiskError.ts'

/** Lets a finite number of [`least`, `most`] through. Throws {@link ParameterError}. */
export function requireRange(
  parameter: string,
  value: number,
  [least, most]: readonly [number, number],
): number {
  if (Number.isFinite(value) && value >= least && value <= most) return value
  throw new ParameterError({ parameter, value, allowed: rangeText(least, most) })
}

/** Lets a whole number of [`least`, 2^53) through. Throws {@link ParameterError}. */
export function requireWhole(parameter: string, value: number, least: number): number {
  if (Number.isSafeInteger(value) && value >= least) return value
  throw new ParameterError({ parameter, value, allowed: `a whole number of at least ${least}` })
}

/** Lets an amount of money through that is not negative. Throws {@link ParameterError}. */
export function requireAmount(parameter: string, value: bigint): bigint {
  if (value >= 0n) return value
  throw new ParameterError({ parameter, value, allowed: 'zero or more' })
}

function rangeText(least: number, most: number): string {
  if (most === Number.MAX_VALUE) return `a finite number of at least ${least}`
  return `a number from ${least} to ${most}`
}
