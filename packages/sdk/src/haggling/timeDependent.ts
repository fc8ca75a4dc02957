import { HaggleStrategyError } from '../errors/haggling.ts'
import { along, type Strategy } from './strategy.ts'

/** Two prices and the shape of the way between them. */
export interface TimeDependentOptions {
  /** The first price proposed, in base units. */
  readonly first: bigint
  /** The last price proposed, and the worst one accepted: the reservation. */
  readonly reservation: bigint
  /** Below 1: stays firm until late (Boulware); 1: even steps; above 1: gives way early (conceder). */
  readonly shape: number
}

/**
 * Makes a strategy that concedes by time: at progress t it is t^(1/shape) of the way to its reservation price, which it
 * reaches at the end.
 *
 * @param options First price and reservation in base units, and the shape of the way.
 * @returns The strategy.
 * @throws HaggleStrategyError if a price is negative or the shape is not a positive number.
 * @see P. Faratin, C. Sierra, N. R. Jennings, "Negotiation decision functions for autonomous agents", Robotics and
 * Autonomous Systems 24 (1998), §4.1: polynomial time-dependent tactics with k = 0.
 * @example
 * const strategy = timeDependent({ first: 1_000_000n, reservation: 600_000n, shape: 0.5 })
 */
export function timeDependent({ first, reservation, shape }: TimeDependentOptions): Strategy {
  if (first < 0n || reservation < 0n)
    throw new HaggleStrategyError({
      reason: `a price is negative (first ${first}, reservation ${reservation})`,
    })
  if (!Number.isFinite(shape) || shape <= 0)
    throw new HaggleStrategyError({ reason: `the shape is ${shape}, it must be above 0` })
  return ({ progress }) => along(first, reservation, Math.min(1, Math.max(0, progress)) ** (1 / shape))
}
