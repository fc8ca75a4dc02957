import { ParameterError } from '../errors/RiskError.ts'
import { requireAmount, requireRange, requireWhole } from '../errors/require.ts'

/**
 * What is left of `amount` after `elapsed` seconds by the curve that is published on chain, in the amount's own unit, rounded down: exact at
 * every half-life, linear in between, so that it never rises and is the same to the unit in every language. The same as `Halving.leftDown` of the
 * contracts, held together by `vectors/halving.json`. Between two half-lives it stands above the exponential, by 6.1 % at most. Throws {@link ParameterError}.
 *
 * @example
 * halvingLeft({ amount: 30_000_000_000n, elapsed: 31_536_000, halfLife: 87_439_800 })
 */
export function halvingLeft(options: {
  readonly amount: bigint
  readonly elapsed: number
  readonly halfLife: number
}): bigint {
  requireAmount('amount', options.amount)
  const elapsed = BigInt(requireWhole('number of seconds', options.elapsed, 0))
  const halfLife = BigInt(requireWhole('half-life in seconds', options.halfLife, 1))
  const halvings = elapsed / halfLife
  if (halvings > 255n) return 0n
  const left = options.amount >> halvings
  const part = elapsed % halfLife
  // Rounded up, so that what is left is rounded down.
  return left - (left * part + 2n * halfLife - 1n) / (2n * halfLife)
}

/**
 * Half-life in seconds of a continuous drift per year, rounded down: `ln 2 / δ` of 365 days. A drift of 0.25 is 1,012 days. Rounded down the
 * published curve falls no slower at its half-lives. Throws {@link ParameterError}.
 *
 * @example
 * halfLifeOf(0.25) // 87,436,357
 */
export function halfLifeOf(drift: number): number {
  requireRange('drift per year', drift, [0, 1e6])
  if (drift === 0)
    throw new ParameterError({
      parameter: 'drift per year',
      value: drift,
      allowed: 'above zero for a half-life',
    })
  return Math.floor((Math.LN2 / drift) * 31_536_000)
}
