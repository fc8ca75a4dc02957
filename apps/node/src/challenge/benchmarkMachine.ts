import { randomBytes } from 'node:crypto'
import { sizeForRate } from '@millrace/sdk/challenge'
import { bytesToHex } from 'viem'
import type { Machine } from '../detect/index.ts'
import { mostRows } from './cpuLayout.ts'
import { gpuEngine } from './engines.ts'
import { measureDisk } from './measureDisk.ts'
import { measureMemory } from './measureMemory.ts'
import { multiplyOnCpu } from './multiplyOnCpu.ts'
import type { Engine } from './product.ts'

/** What `millrace node benchmark` measures. */
export interface Benchmark {
  /** 10⁹ operations a second of the challenge's product on all usable CPUs, generation and commitment included. */
  readonly cpuGflops: number
  /** 10¹² operations a second of all GPUs at the same time; 0 where there are none or no PyTorch that can use them. */
  readonly gpuTflops: number
  /** 10⁹ bytes a second that one thread copies, read and written bytes both counted. */
  readonly memoryGBps: number
  /** 10⁶ bytes a second written and flushed. */
  readonly diskMBps: number
  /** Sizes of the products. */
  readonly rows: { readonly cpu: number; readonly gpu: number }
  /** Unix seconds. */
  readonly at: number
}

/** A step that begins or has ended; `value` and `unit` come with the end. */
export interface BenchmarkProgress {
  readonly step: 'cpu' | 'gpu' | 'memory' | 'disk'
  readonly state: 'begun' | 'done' | 'skipped'
  readonly value?: number
  readonly unit?: 'GFLOPS' | 'TFLOPS' | 'GB/s' | 'MB/s'
}

export interface BenchmarkOptions {
  readonly machine: Machine
  /** Folder on the disk that is offered. */
  readonly home: string
  readonly onProgress?: (progress: BenchmarkProgress) => void
  readonly signal?: AbortSignal
  /** Seconds that one product shall take at least; three are measured. 1 by default. */
  readonly seconds?: number
  /** Bytes written to measure the disk; 256 MiB by default. */
  readonly diskBytes?: number
}

/**
 * Measures what this machine delivers, by the same products with which buyers challenge it. Prints nothing.
 * @throws ChallengeFailedError, the file system's errors, the signal's reason.
 *
 * @example
 * const { cpuGflops, gpuTflops, at } = await benchmarkMachine({ machine: await detectMachine(), home })
 */
export async function benchmarkMachine(options: BenchmarkOptions): Promise<Benchmark> {
  const { machine, home, seconds = 1 } = options
  const signal = options.signal ?? new AbortController().signal
  const report = options.onProgress ?? (() => {})

  report({ step: 'cpu', state: 'begun' })
  const threads = Math.max(1, Math.ceil(machine.cpus))
  const cpu = await measureEngine({
    engine: multiplyOnCpu({ threads, name: machine.cpuModel }),
    units: 1,
    most: mostRows(machine.memoryBytes / 2, threads),
    seconds,
    signal,
  })
  report({ step: 'cpu', state: 'done', value: cpu.gflops, unit: 'GFLOPS' })

  const gpus = gpuEngine(machine)
  let gpu = { gflops: 0, rows: 0 }
  if (gpus === null) report({ step: 'gpu', state: 'skipped' })
  else {
    report({ step: 'gpu', state: 'begun' })
    const engine = gpus.engine(gpus.count)
    gpu = await measureEngine({
      engine,
      units: gpus.count,
      most: gpus.mostRows,
      seconds: 5 * seconds,
      signal,
    })
    report({ step: 'gpu', state: 'done', value: gpu.gflops / 1000, unit: 'TFLOPS' })
  }

  report({ step: 'memory', state: 'begun' })
  signal.throwIfAborted()
  const memoryGBps = measureMemory()
  report({ step: 'memory', state: 'done', value: memoryGBps, unit: 'GB/s' })

  report({ step: 'disk', state: 'begun' })
  const diskMBps = await measureDisk(home, options.diskBytes)
  report({ step: 'disk', state: 'done', value: diskMBps, unit: 'MB/s' })

  return {
    cpuGflops: cpu.gflops,
    gpuTflops: gpu.gflops / 1000,
    memoryGBps,
    diskMBps,
    rows: { cpu: cpu.rows, gpu: gpu.rows },
    at: Math.floor(Date.now() / 1000),
  }
}

/** The median of three products, after growing the size until one takes long enough. */
async function measureEngine(options: {
  engine: Engine
  units: number
  most: number
  seconds: number
  signal: AbortSignal
}): Promise<{ gflops: number; rows: number }> {
  const { engine, units, most, seconds, signal } = options
  const rate = async (n: number) => {
    const began = performance.now()
    const product = await engine({ n, seed: bytesToHex(randomBytes(32)) }, signal)
    const ms = performance.now() - began
    await product.close()
    return (units * 2 * n ** 3) / ms / 1e6
  }
  let rows = Math.min(1024, most)
  let gflops = await rate(rows)
  for (let next = grow(); next > 1.2 * rows; next = grow()) {
    rows = next
    gflops = await rate(rows)
  }
  const three = [gflops, await rate(rows), await rate(rows)].sort((a, b) => a - b)
  return { gflops: three[1] ?? gflops, rows }

  // At most twofold at a time: the rate of a small product says little about that of a large one.
  function grow() {
    return Math.min(most, 2 * rows, sizeForRate(gflops / units, seconds))
  }
}
