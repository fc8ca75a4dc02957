import { normalInverse } from '../maths/normal.ts'
import { createRandom } from '../maths/random.ts'

/** Stream of random numbers that no chunk of paths uses. */
const stream = 0x7fffffff

/**
 * The common factor of each path, stratified: of n paths exactly one falls into each n-th of the normal distribution, so that the bad years
 * are neither missed nor drawn twice. Estimates stay unbiased, and are closer than independent draws would bring them.
 * Source: Glasserman, *Monte Carlo Methods in Financial Engineering* (2003), § 4.3.
 */
export function marketFactors(paths: number, seed: number): Float64Array {
  const { uniform } = createRandom(seed, stream)
  // A stride without a common divisor visits each stratum once, and gives every chunk of paths good and bad years.
  let stride = Math.floor(paths * 0.6180339887) | 1
  while (divisor(stride, paths) !== 1) stride += 2
  const factors = new Float64Array(paths)
  for (let path = 0; path < paths; path++) {
    const stratum = Number((BigInt(path) * BigInt(stride)) % BigInt(paths))
    factors[path] = normalInverse(
      Math.min((stratum + uniform()) / paths, 1 - Number.EPSILON) || Number.MIN_VALUE,
    )
  }
  return factors
}

function divisor(a: number, b: number): number {
  return b === 0 ? a : divisor(b, a % b)
}
