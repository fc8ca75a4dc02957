import { Worker } from 'node:worker_threads'
import {
  assembleKernels,
  blockRows,
  checkVectors,
  encodeOpening,
  generatorState,
  merkleLevels,
  merkleProof,
  tile,
  vectorCount,
  writeState,
} from '@millrace/sdk/challenge'
import { bytesToHex } from 'viem'
import { type CpuLayout, cpuLayout } from './cpuLayout.ts'
import { ChallengeFailedError } from './errors.ts'
import type { Engine, Product } from './product.ts'
import { workerProgram } from './workerProgram.ts'

/**
 * The engine that every machine has: 32-bit products in WebAssembly with 128-bit vectors, on `threads` threads.
 * Memory: 8n² bytes and a little more.
 */
export function multiplyOnCpu(options: { readonly threads: number; readonly name: string }): Engine {
  return async (task, signal) => {
    signal.throwIfAborted()
    const { n, seed } = task
    const threads = Math.max(1, Math.min(options.threads, n / blockRows))
    const at = cpuLayout(n, threads)
    const pages = Math.ceil(at.size / 65_536)
    const memory = new WebAssembly.Memory({ initial: pages, maximum: 65_536, shared: true })
    writeState(memory, at.stateA, generatorState({ seed, n, unit: 0, part: 'a' }))
    writeState(memory, at.stateB, generatorState({ seed, n, unit: 0, part: 'b' }))
    const module = await WebAssembly.compile(assembleKernels({ shared: true }))
    signal.throwIfAborted()
    const workers = Array.from(
      { length: threads },
      (_, thread) =>
        new Worker(workerProgram, {
          eval: true,
          // The daemon's own flags (loaders, inspection) are of no use to a thread that runs only this text.
          execArgv: [],
          workerData: { module, memory, n, at, thread, depth: tile.depth, blockRows },
        }),
    )
    const close = async () => {
      await Promise.all(workers.map((worker) => worker.terminate()))
    }
    try {
      await all(workers, 'committed', signal)
      const leaves = Array.from({ length: n }, (_, row) =>
        new Uint8Array(memory.buffer, at.leaves + 32 * row, 32).slice(),
      )
      return committed({ n, memory, at, workers, leaves, name: options.name, close })
    } catch (error) {
      await close()
      throw error
    }
  }
}

function committed(options: {
  n: number
  memory: WebAssembly.Memory
  at: CpuLayout
  workers: readonly Worker[]
  leaves: readonly Uint8Array[]
  name: string
  close: () => Promise<void>
}): Product {
  const { n, memory, at, workers, leaves, name, close } = options
  const levels = merkleLevels(leaves)
  const root = levels.at(-1)?.[0] ?? new Uint8Array(32)
  return {
    engine: 'wasm',
    units: [{ name, uuid: null, root: bytesToHex(root) }],
    close,
    open: async (r, rows) => {
      new Float64Array(memory.buffer, at.vectors, vectorCount * n).set(checkVectors(r, n))
      Atomics.store(new Int32Array(memory.buffer, at.control, 16), 3, 0)
      for (const worker of workers) worker.postMessage('open')
      await all(workers, 'opened')
      return encodeOpening({
        product: new Float64Array(memory.buffer, at.product, vectorCount * n).slice(),
        rows: rows.map((row) => new Uint8Array(memory.buffer, at.c + 4 * n * row, 4 * n).slice()),
        proofs: rows.map((row) => merkleProof(levels, row)),
      })
    },
  }
}

/** Settled once every thread has said `word`; rejects when one ends before, or with the signal's reason. */
function all(workers: readonly Worker[], word: string, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    let left = workers.length
    const stop = (settle: () => void) => {
      signal?.removeEventListener('abort', onAbort)
      for (const worker of workers) worker.off('message', onMessage).off('error', onError).off('exit', onExit)
      settle()
    }
    const onAbort = () => stop(() => reject(signal?.reason))
    const onError = (cause: Error) => stop(() => reject(new ChallengeFailedError('a thread failed', cause)))
    const onExit = () => stop(() => reject(new ChallengeFailedError('a thread ended')))
    const onMessage = (message: unknown) => {
      if (message === word && --left === 0) stop(resolve)
    }
    signal?.addEventListener('abort', onAbort)
    for (const worker of workers) worker.on('message', onMessage).on('error', onError).on('exit', onExit)
  })
}
