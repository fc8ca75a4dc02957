import { blockRows, vectorCount } from '@millrace/sdk/challenge'

/** Addresses in the memory that all threads share, in bytes. */
export interface CpuLayout {
  readonly control: number
  readonly stateA: number
  readonly stateB: number
  /** r: four vectors of n doubles. */
  readonly vectors: number
  /** C·r: n × 4 doubles. */
  readonly product: number
  /** 32 bytes a row. */
  readonly leaves: number
  /** Scratch of thread 0; each thread has `scratchSize` from here on: 4 rows, then a packed block of A. */
  readonly scratch: number
  readonly scratchSize: number
  /** B, packed. */
  readonly right: number
  /** C, row after row. */
  readonly c: number
  readonly size: number
}

/** The most that a 32-bit WebAssembly memory holds. */
export const mostBytes = 2 ** 32 - 65_536

/** Lays out the shared memory for matrices of n rows and so many threads. */
export function cpuLayout(n: number, threads: number): CpuLayout {
  let at = 0
  const take = (bytes: number) => {
    at += Math.ceil(bytes / 64) * 64
    return at - Math.ceil(bytes / 64) * 64
  }
  const control = take(64)
  const stateA = take(256)
  const stateB = take(256)
  const vectors = take(8 * vectorCount * n)
  const product = take(8 * vectorCount * n)
  const leaves = take(32 * n)
  const scratchSize = 4 * n * (4 + blockRows)
  const scratch = take(threads * scratchSize)
  const right = take(4 * n * n)
  const c = take(4 * n * n)
  return { control, stateA, stateB, vectors, product, leaves, scratch, scratchSize, right, c, size: at }
}

/** The largest size whose memory fits into `bytes`; 0 where not even the smallest does. */
export function mostRows(bytes: number, threads: number): number {
  const allowed = Math.min(bytes, mostBytes)
  let n = Math.floor(Math.sqrt(allowed / 8) / 64) * 64
  while (n > 0 && cpuLayout(n, threads).size > allowed) n -= 64
  return n
}
