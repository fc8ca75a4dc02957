import type { normalCdf } from '../maths/normal.ts'
import type { createRandom } from '../maths/random.ts'
import type { BookLayout } from './layout.ts'

/** Paths of one chunk; the random numbers of a chunk depend on the seed and its index alone. */
export const chunkPaths = 500

/** Which paths to simulate and where their losses go. */
export interface PathTask {
  readonly layout: BookLayout
  readonly seed: number
  /** Index of the chunk. */
  readonly chunk: number
  readonly paths: number
  /** The common factor of each path. */
  readonly markets: Float64Array
  /** Loss of each path. */
  readonly losses: Float64Array
  /** Loss of each path in each cluster, path by path. */
  readonly clusterLosses: Float64Array
}

/**
 * Simulates one chunk of paths.
 *
 * Given the factors, defaults are independent, so a block of loans whose conditional default probabilities are at most p is
 * thinned: the next candidate is a geometric number of loans further on, and is a default with probability pᵢ/p. That is exact,
 * and costs as much as there are defaults, not loans. Source: Devroye, *Non-Uniform Random Variate Generation* (1986), ch. X.
 * Where more than one in eight defaults, asking each loan is cheaper.
 *
 * Refers to nothing outside itself but its arguments: it also runs as text in worker threads.
 */
export function simulatePaths(
  task: PathTask,
  maths: { readonly normalCdf: typeof normalCdf; readonly createRandom: typeof createRandom },
): void {
  const { thresholds, amounts, exposures, shifts, blocks, blockClusters, correlations, commons } = task.layout
  const { markets, losses, clusterLosses } = task
  const cdf = maths.normalCdf
  const random = maths.createRandom(task.seed, task.chunk)
  // Words are made many at a time; a candidate needs four at most.
  const words = new Uint32Array(4096)
  const refillAt = words.length - 4
  let cursor = words.length
  const clusters = correlations.length
  const downturn = shifts.length > 0
  const inDownturn = (at: number, factor: number, scale: number): number => {
    const deviation = ((thresholds[at] as number) - factor) * scale
    if (deviation === Number.POSITIVE_INFINITY) return amounts[at] as number
    return ((exposures[at] as number) * cdf(deviation - (shifts[at] as number))) / cdf(deviation)
  }
  const factors = new Float64Array(clusters)
  for (let path = 0; path < task.paths; path++) {
    const market = markets[path] as number
    for (let cluster = 0; cluster < clusters; cluster++) {
      const common = commons[cluster] as number
      factors[cluster] =
        (Math.sqrt(common) * market + Math.sqrt(1 - common) * random.normal()) *
        Math.sqrt(correlations[cluster] as number)
    }
    let total = 0
    const row = path * clusters
    for (let block = 0; block < blockClusters.length; block++) {
      const cluster = blockClusters[block] as number
      const factor = factors[cluster] as number
      const scale = 1 / Math.sqrt(1 - (correlations[cluster] as number))
      const end = blocks[block + 1] as number
      let at = blocks[block] as number
      const least = cdf(((thresholds[at] as number) - factor) * scale)
      const most = cdf(((thresholds[end - 1] as number) - factor) * scale)
      let lost = 0
      if (most < 0.125) {
        const perLog = 1 / Math.log1p(-most)
        for (at--; ; ) {
          if (cursor > refillAt) {
            random.fill(words)
            cursor = 0
          }
          const skip = (words[cursor] as number) * 2 ** -32 + (words[cursor + 1] as number) * 2 ** -64
          at += 1 + Math.floor(Math.log(skip) * perLog)
          if (!(at < end)) break
          const draw =
            ((words[cursor + 2] as number) * 2 ** -32 + (words[cursor + 3] as number) * 2 ** -64) * most
          cursor += 4
          if (draw >= least && draw >= cdf(((thresholds[at] as number) - factor) * scale)) continue
          lost += downturn ? inDownturn(at, factor, scale) : (amounts[at] as number)
        }
        cursor += 2
      } else {
        const leastWord = Math.floor(least * 2 ** 32)
        const mostWord = Math.floor(most * 2 ** 32)
        for (; at < end; at++) {
          if (cursor > refillAt) {
            random.fill(words)
            cursor = 0
          }
          const word = words[cursor++] as number
          if (word > mostWord) continue
          if (word >= leastWord) {
            // Between the block's ends, or in the same 2⁻³² as one of them: more bits, and the loan's own probability.
            const draw = (word + (words[cursor++] as number) * 2 ** -32) * 2 ** -32
            if (draw >= cdf(((thresholds[at] as number) - factor) * scale)) continue
          }
          lost += downturn ? inDownturn(at, factor, scale) : (amounts[at] as number)
        }
      }
      clusterLosses[row + cluster] = (clusterLosses[row + cluster] as number) + lost
      total += lost
    }
    losses[path] = total
  }
}
