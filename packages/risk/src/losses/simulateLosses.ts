import { requireWhole } from '../errors/require.ts'
import { normalCdf } from '../maths/normal.ts'
import { createRandom } from '../maths/random.ts'
import type { SimulatedLosses } from './distribution.ts'
import { type Book, layoutBook } from './layout.ts'
import { marketFactors } from './marketFactors.ts'
import { chunkPaths, simulatePaths } from './simulatePaths.ts'

/**
 * Simulates the losses of a book on this thread, also in a browser. The same seed gives the same losses here and on any number of
 * threads (`simulateBook` of `@millrace/risk/book`). Throws {@link ParameterError}.
 *
 * @example
 * summariseLosses(simulateLosses(book, { paths: 20_000, seed: 1 }), 0.99)
 */
export function simulateLosses(
  book: Book,
  options: { readonly paths: number; readonly seed: number },
): SimulatedLosses {
  const paths = requireWhole('number of paths', options.paths, 1)
  const layout = layoutBook(book)
  const columns = book.clusters.length
  const markets = marketFactors(paths, options.seed)
  const losses = new Float64Array(paths)
  const byCluster = new Float64Array(paths * columns)
  for (let chunk = 0; chunk * chunkPaths < paths; chunk++) {
    const first = chunk * chunkPaths
    const last = Math.min(paths, first + chunkPaths)
    const task = {
      layout,
      seed: options.seed,
      chunk,
      paths: last - first,
      markets: markets.subarray(first, last),
      losses: losses.subarray(first, last),
      clusterLosses: byCluster.subarray(first * columns, last * columns),
    }
    simulatePaths(task, { normalCdf, createRandom })
  }
  return { paths, clusters: book.clusters.map(({ name }) => name), losses, byCluster }
}
