import { requireRange, requireWhole } from '../errors/require.ts'
import { createRandom } from '../maths/random.ts'
import type { ValueStep } from './curve.ts'

/** How the price of an hour of a machine moves. */
export interface RentalProcess {
  /** Price at year 0, in any unit; the path is in the same. */
  readonly price: number
  /** Continuous growth per year of the part without jumps; the market of 2023 to 2026 was near −0.29. */
  readonly drift: number
  /** Standard deviation of a year's log return without jumps. */
  readonly volatility: number
  /** Jumps at random times: how many a year, and mean and standard deviation of their log size. */
  readonly jumps?: { readonly perYear: number; readonly mean: number; readonly deviation: number }
  /** Jumps on known dates. */
  readonly steps?: readonly ValueStep[]
}

/**
 * One path of the rental price at `periods` equal dates up to `years`, without the price at year 0.
 * Exact at the dates: log-normal returns with a compound Poisson sum of normal jumps. Source: Merton, *Option pricing
 * when underlying stock returns are discontinuous*, JFE 3 (1976). Throws {@link ParameterError}.
 *
 * @example
 * rentalPath({ price: 2, drift: -0.29, volatility: 0.4 }, { years: 3, periods: 36, seed: 1 })
 */
export function rentalPath(
  process: RentalProcess,
  options: {
    readonly years: number
    readonly periods: number
    readonly seed: number
    readonly path?: number
  },
): Float64Array {
  checkProcess(process)
  const years = requireRange('number of years', options.years, [0, Number.MAX_VALUE])
  const periods = requireWhole('number of periods', options.periods, 1)
  const random = createRandom(options.seed, options.path ?? 0)
  const dt = years / periods
  const { drift, volatility, jumps } = process
  const prices = new Float64Array(periods)
  let log = Math.log(process.price)
  for (let period = 0; period < periods; period++) {
    log += (drift - volatility ** 2 / 2) * dt + volatility * Math.sqrt(dt) * random.normal()
    if (jumps !== undefined) {
      const count = poisson(jumps.perYear * dt, random.uniform)
      if (count > 0) log += jumps.mean * count + jumps.deviation * Math.sqrt(count) * random.normal()
    }
    prices[period] = Math.exp(log) * stepsUntil(process, (period + 1) * dt)
  }
  return prices
}

/**
 * Mean of the rental price after `years`: `price·e^((μ + λ(e^(m + s²/2) − 1))t)`, times what the known steps leave.
 * Source: Merton (1976). Throws {@link ParameterError}.
 *
 * @example
 * expectedRental({ price: 2, drift: -0.29, volatility: 0.4 }, 1) // 1.4965
 */
export function expectedRental(process: RentalProcess, years: number): number {
  checkProcess(process)
  requireRange('number of years', years, [0, Number.MAX_VALUE])
  const { perYear, mean, deviation } = process.jumps ?? { perYear: 0, mean: 0, deviation: 0 }
  const jumpGrowth = perYear * (Math.exp(mean + deviation ** 2 / 2) - 1)
  return process.price * Math.exp((process.drift + jumpGrowth) * years) * stepsUntil(process, years)
}

function stepsUntil(process: RentalProcess, years: number): number {
  // Dates are sums of equal parts, so a step on one of them must not miss it by the last bit.
  const reached = years * (1 + 1e-12)
  return (process.steps ?? []).reduce(
    (left, step) => (step.years <= reached ? left * (1 - step.drop) : left),
    1,
  )
}

/** Knuth's method in parts of at most 16, where the product of uniforms cannot underflow. */
function poisson(mean: number, uniform: () => number): number {
  let count = 0
  for (let left = mean; left > 0; left -= 16) {
    const limit = Math.exp(-Math.min(left, 16))
    for (let product = uniform(); product > limit; product *= uniform()) count++
  }
  return count
}

function checkProcess(process: RentalProcess): void {
  requireRange('rental price', process.price, [Number.MIN_VALUE, Number.MAX_VALUE])
  requireRange('drift per year', process.drift, [-100, 100])
  requireRange('volatility', process.volatility, [0, 100])
  if (process.jumps === undefined) return
  requireRange('number of jumps a year', process.jumps.perYear, [0, 10_000])
  requireRange('mean log size of jumps', process.jumps.mean, [-100, 100])
  requireRange('deviation of log sizes of jumps', process.jumps.deviation, [0, 100])
}
