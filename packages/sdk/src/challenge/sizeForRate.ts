import { challengeSizes } from './limits.ts'

/**
 * The smallest allowed size whose product takes a machine at least so long; starting threads and the way there and back
 * then weigh little.
 * @param gflops Rate in 10⁹ operations a second.
 * @param seconds How long the product shall take.
 */
export function sizeForRate(gflops: number, seconds: number): number {
  const { least, most, step } = challengeSizes
  const rows = Math.cbrt((Math.max(0, gflops) * 1e9 * seconds) / 2)
  return Math.min(most, Math.max(least, Math.ceil(rows / step) * step))
}
