import type { Hex } from 'viem'
import { expandEntries, generatorState, vectorCount } from './generator.ts'
import { assembleKernels, type Kernels } from './kernels.ts'

/** Multiplies the generated matrices with vectors, row by row, without ever holding a matrix. */
export interface Expander {
  /** Product of a row of a matrix with the four vectors given last. */
  rowTimes(part: 'a' | 'b', row: number): Float64Array
  /** Product of any row of n floats with the four vectors given last. */
  times(row: Float32Array): Float64Array
  /** Takes four vectors of n doubles, one after the other. */
  setVectors(vectors: Float64Array): void
}

const page = 65_536

/**
 * Starts the verifier's kernels for one pair of matrices.
 * @param options Size, the challenge's seed, and the unit's index.
 */
export async function createExpander(options: {
  readonly n: number
  readonly seed: Hex
  readonly unit: number
}): Promise<Expander> {
  const { n, seed, unit } = options
  const at = { a: 0, b: 256, out: 512, row: 1024, vectors: 1024 + 4 * n }
  const bytes = at.vectors + 8 * vectorCount * n
  const memory = new WebAssembly.Memory({ initial: Math.ceil(bytes / page) })
  const { instance } = await WebAssembly.instantiate(assembleKernels({ shared: false }), { env: { memory } })
  const kernels = instance.exports as unknown as Kernels
  for (const part of ['a', 'b'] as const) {
    writeState(memory, at[part], generatorState({ seed, n, unit, part }))
  }
  const row = new Float32Array(memory.buffer, at.row, n)
  const vectors = new Float64Array(memory.buffer, at.vectors, vectorCount * n)
  const out = new Float64Array(memory.buffer, at.out, vectorCount)
  return {
    setVectors: (values) => vectors.set(values),
    rowTimes: (part, index) => {
      kernels.expand(at[part], at.row, (index * n) / 16, n / 64)
      kernels.dot(at.row, at.vectors, n, at.out)
      return out
    },
    times: (values) => {
      row.set(values)
      kernels.dot(at.row, at.vectors, n, at.out)
      return out
    },
  }
}

/** Writes a generator's state as the kernel `expand` reads it: each word four times. */
export function writeState(memory: WebAssembly.Memory, at: number, state: Uint32Array): void {
  const words = new Uint32Array(memory.buffer, at, 64)
  for (const [i, word] of state.entries()) words.fill(word, 4 * i, 4 * i + 4)
}

/** The four check vectors that a revealed seed stands for, one after the other. */
export function checkVectors(r: Hex, n: number): Float64Array {
  return Float64Array.from(
    expandEntries(generatorState({ seed: r, n, unit: 0, part: 'r' }), 0, vectorCount * n),
  )
}
