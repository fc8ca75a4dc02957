import { bytesToHex, type Hex } from 'viem'
import type { ChallengeSession } from './challengeMachine.ts'
import { checkVectors } from './createExpander.ts'
import { expandEntries, generatorState, vectorCount } from './generator.ts'
import { revealChunk } from './limits.ts'
import { hashRow, merkleLevels, merkleProof } from './merkle.ts'
import { encodeOpening } from './opening.ts'

/** What a machine does at each step; a cheating one replaces some. */
export interface ProverSteps {
  /** C from the seed. */
  multiply(seed: Hex, n: number): Float32Array
  /** The matrix whose root is committed. */
  commit(c: Float32Array): Float32Array
  /** C·r, and the matrix from which rows and proofs are taken. */
  answer(
    c: Float32Array,
    task: { n: number; seed: Hex; r: Hex },
  ): { product: Float64Array; opened: Float32Array }
  /** The answer to `begin` before it leaves. */
  begin(result: Record<string, unknown>): Record<string, unknown>
  /** The bytes of the opening before they leave. */
  reveal(bytes: Uint8Array): Uint8Array
}

/**
 * A machine in plain JavaScript, written from the protocol's text: the second implementation that the fast one is
 * compared with, and what the tests' cheating machines are made from. For tests.
 */
export function referenceProver(cheat: Partial<ProverSteps> = {}): ChallengeSession {
  const steps: ProverSteps = {
    multiply: multiplyPlainly,
    commit: (c) => c,
    answer: (c, { n, r }) => ({ product: timesVectors(c, checkVectors(r, n), n), opened: c }),
    begin: (result) => result,
    reveal: (bytes) => bytes,
    ...cheat,
  }
  let open: { n: number; seed: Hex; c: Float32Array; committed: Float32Array } | undefined
  let bytes: Uint8Array | undefined
  return {
    request: async (method, params) => {
      if (method === 'challenge.begin') {
        const { n, seed } = params as { n: number; seed: Hex }
        const c = steps.multiply(seed, n)
        const committed = steps.commit(c)
        open = { n, seed, c, committed }
        bytes = undefined
        const root = bytesToHex(rootOf(committed, n))
        const units = [{ name: 'plain', uuid: null, root }]
        return { result: steps.begin({ id: '1', engine: 'plain', ms: 1, units }), body: new Uint8Array() }
      }
      const { r, rows, offset } = params as { r: Hex; rows: readonly number[]; offset: number }
      if (open === undefined) throw new RangeError('reveal before begin')
      const { n, seed, c } = open
      if (bytes === undefined) {
        const { product, opened } = steps.answer(c, { n, seed, r })
        const levels = merkleLevels(rowsOf(opened, n).map(hashRow))
        const rowBytes = rowsOf(opened, n)
        bytes = steps.reveal(
          encodeOpening({
            product,
            rows: rows.map((row) => rowBytes[row] ?? new Uint8Array(4 * n)),
            proofs: rows.map((row) => merkleProof(levels, row)),
          }),
        )
      }
      return { result: { size: bytes.length }, body: bytes.subarray(offset, offset + revealChunk) }
    },
  }
}

/** Every sum one product after the other, rounded to 32 bits each time: the order with the largest honest error. */
export function multiplyPlainly(seed: Hex, n: number): Float32Array {
  const a = expandEntries(generatorState({ seed, n, unit: 0, part: 'a' }), 0, n * n)
  const b = expandEntries(generatorState({ seed, n, unit: 0, part: 'b' }), 0, n * n)
  const c = new Float32Array(n * n)
  for (let i = 0; i < n; i++) {
    const row = c.subarray(i * n, (i + 1) * n)
    for (let k = 0; k < n; k++) {
      const factor = a[i * n + k] ?? 0
      const from = k * n
      for (let j = 0; j < n; j++) row[j] = (row[j] ?? 0) + Math.fround(factor * (b[from + j] ?? 0))
    }
  }
  return c
}

/** M·v for four vectors of n, n × 4 values. */
export function timesVectors(matrix: Float32Array, vectors: Float64Array, n: number): Float64Array {
  const out = new Float64Array(vectorCount * n)
  for (let i = 0; i < n; i++) {
    for (let t = 0; t < vectorCount; t++) {
      let sum = 0
      for (let k = 0; k < n; k++) sum += (matrix[i * n + k] ?? 0) * (vectors[t * n + k] ?? 0)
      out[vectorCount * i + t] = sum
    }
  }
  return out
}

function rowsOf(matrix: Float32Array, n: number): readonly Uint8Array[] {
  return Array.from(
    { length: n },
    (_, row) => new Uint8Array(matrix.buffer, matrix.byteOffset + 4 * n * row, 4 * n),
  )
}

function rootOf(matrix: Float32Array, n: number): Uint8Array {
  return merkleLevels(rowsOf(matrix, n).map(hashRow)).at(-1)?.[0] ?? new Uint8Array(32)
}
