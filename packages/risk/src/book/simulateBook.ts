import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import { requireWhole } from '../errors/require.ts'
import type { SimulatedLosses } from '../losses/distribution.ts'
import { type Book, layoutBook } from '../losses/layout.ts'
import { marketFactors } from '../losses/marketFactors.ts'
import { chunkPaths, simulatePaths } from '../losses/simulatePaths.ts'
import { normalCdf } from '../maths/normal.ts'
import { createRandom } from '../maths/random.ts'
import { SimulationError } from './SimulationError.ts'

/**
 * What a thread runs: chunks of paths, taken in turn from a shared counter until none is left. It is text, made from functions that
 * refer to nothing outside themselves, so that it needs no file, no loader and no bundler. `__name` is what some compilers
 * wrap functions in to keep their names.
 */
const program = `
const { parentPort, workerData } = require('node:worker_threads');
const __name = (value) => value;
const maths = { normalCdf: ${normalCdf}, createRandom: ${createRandom} };
const simulatePaths = ${simulatePaths};
const { layout, seed, paths, chunkPaths, markets, losses, byCluster, next } = workerData;
const columns = layout.correlations.length;
for (;;) {
  const chunk = Atomics.add(next, 0, 1);
  const first = chunk * chunkPaths;
  if (first >= paths) break;
  const last = Math.min(paths, first + chunkPaths);
  simulatePaths({
    layout, seed, chunk, paths: last - first,
    markets: markets.subarray(first, last),
    losses: losses.subarray(first, last),
    clusterLosses: byCluster.subarray(first * columns, last * columns),
  }, maths);
}
parentPort.postMessage('done');
`

/** How to simulate. */
export interface SimulateBookOptions {
  readonly paths: number
  /** Whole number; the losses depend on it and the book alone, never on the number of threads. */
  readonly seed: number
  /** Default: one a processor. */
  readonly threads?: number
  /** Ends the simulation early; the promise is rejected with its reason. */
  readonly signal?: AbortSignal
}

/**
 * Simulates the losses of a book on several threads of Node. Memory: 16 bytes a path and 8 a path's cluster.
 * Throws {@link ParameterError}; {@link SimulationError} if a thread ends early.
 *
 * @example
 * const losses = await simulateBook(book, { paths: 100_000, seed: 2026 })
 */
export async function simulateBook(book: Book, options: SimulateBookOptions): Promise<SimulatedLosses> {
  const paths = requireWhole('number of paths', options.paths, 1)
  const threads = Math.min(
    requireWhole('number of threads', options.threads ?? availableParallelism(), 1),
    Math.ceil(paths / chunkPaths),
  )
  options.signal?.throwIfAborted()
  const layout = layoutBook(book)
  const columns = book.clusters.length
  const markets = new Float64Array(new SharedArrayBuffer(8 * paths))
  markets.set(marketFactors(paths, options.seed))
  const losses = new Float64Array(new SharedArrayBuffer(8 * paths))
  const byCluster = new Float64Array(new SharedArrayBuffer(8 * paths * columns))
  const next = new Int32Array(new SharedArrayBuffer(4))
  const workerData = { layout, seed: options.seed, paths, chunkPaths, markets, losses, byCluster, next }
  const workers = Array.from(
    { length: threads },
    () => new Worker(program, { eval: true, execArgv: [], workerData }),
  )
  try {
    await Promise.all(workers.map((worker) => finished(worker, options.signal)))
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()))
  }
  return { paths, clusters: book.clusters.map(({ name }) => name), losses, byCluster }
}

function finished(worker: Worker, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal?.reason)
    signal?.addEventListener('abort', abort, { once: true })
    worker.once('message', () => {
      signal?.removeEventListener('abort', abort)
      resolve()
    })
    worker.once('error', (cause) => reject(new SimulationError({ cause })))
    worker.once('exit', (code) => reject(new SimulationError({ cause: `exit code ${code}` })))
  })
}
