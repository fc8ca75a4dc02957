import fc from 'fast-check'
import type { Hex } from 'viem'
import { describe, expect, test } from 'vitest'
import { checkVectors } from './createExpander.ts'
import { expandEntries, generatorState, vectorCount } from './generator.ts'
import { encodeOpening } from './opening.ts'
import { multiplyPlainly, timesVectors } from './referenceProver.ts'
import { missedShare, missProbability, residualTolerance } from './tolerance.ts'
import { verifyOpening } from './verifyOpening.ts'

const seedOf = (number: number): Hex => `0x${number.toString(16).padStart(64, '0')}`
const n = 512

/** Share of single check vectors, over many r, that an error of this shape passes. */
function passedShare(error: Float64Array, trials: number): number {
  const tolerance = residualTolerance(n)
  let passed = 0
  for (let trial = 0; trial < trials; trial++) {
    const r = checkVectors(seedOf(trial + 1), n)
    for (let t = 0; t < vectorCount; t++) {
      let sum = 0
      for (let j = 0; j < n; j++) sum += (error[j] ?? 0) * (r[t * n + j] ?? 0)
      if (Math.abs(sum) <= tolerance) passed++
    }
  }
  return passed / (trials * vectorCount)
}

const length = (error: Float64Array) => Math.hypot(...error)

describe('missProbability', () => {
  test.each([
    ['one wrong entry', (j: number) => (j === 17 ? 1 : 0)],
    ['two that nearly cancel', (j: number) => (j === 17 ? 1 : j === 400 ? -1 : 0)],
    ['all entries wrong by the same', () => 1],
    ['all wrong, falling', (j: number) => 1 / (1 + j)],
  ])('behavior: holds for %s', (_, shape) => {
    const trials = 500
    for (const factor of [2, 5, 20]) {
      const unscaled = Float64Array.from({ length: n }, (_, j) => shape(j))
      const scale = (factor * residualTolerance(n)) / length(unscaled)
      const error = unscaled.map((value) => value * scale)
      const bound = missProbability({ n, error: length(error), vectors: 1 })
      const spread = Math.sqrt((bound * (1 - bound)) / (trials * vectorCount))
      expect(passedShare(error, trials)).toBeLessThanOrEqual(bound + 5 * spread)
    }
  })

  test('behavior: falls with the power of the vectors, and is 1 where an error is within the tolerance', () => {
    const one = missProbability({ n: 2048, error: 1, vectors: 1 })
    expect(missProbability({ n: 2048, error: 1, vectors: 4 })).toBeCloseTo(one ** 4, 15)
    expect(one ** 4).toBeLessThan(6e-10)
    expect(missProbability({ n: 2048, error: residualTolerance(2048), vectors: 4 })).toBe(1)
  })
})

describe('missedShare', () => {
  test('default: 40 openings find 10.9 % with 99 %', () => {
    expect(missedShare(40, 0.01)).toBeCloseTo(0.1088, 3)
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 256 }), (openings) => {
        expect((1 - missedShare(openings, 0.01)) ** openings).toBeCloseTo(0.01, 10)
      }),
    )
  })
})

describe('residualTolerance', () => {
  test('behavior: shorter formats miss it, the worst order of honest 32-bit sums does not', async () => {
    const seed = seedOf(77)
    const r = seedOf(78)
    const honest = await residualOf(multiplyPlainly(seed, n), seed, r)
    expect(honest).toBeLessThan(0.75)
    // TensorFloat-32 keeps 10 bits behind the point, bfloat16 7, two bfloat16s for a number 15 or 16.
    for (const bits of [7, 10, 15]) {
      const a = expandEntries(generatorState({ seed, n, unit: 0, part: 'a' }), 0, n * n)
      const b = expandEntries(generatorState({ seed, n, unit: 0, part: 'b' }), 0, n * n)
      const c = product(
        a.map((value) => shorten(value, bits)),
        b.map((value) => shorten(value, bits)),
      )
      expect(await residualOf(c, seed, r)).toBeGreaterThan(bits === 15 ? 1 : 30)
    }
  })
})

async function residualOf(c: Float32Array, seed: Hex, r: Hex): Promise<number> {
  const body = encodeOpening({ product: timesVectors(c, checkVectors(r, n), n), rows: [], proofs: [] })
  const { residual } = await verifyOpening({ n, seed, unit: 0, root: seedOf(0), r, rows: [], body })
  return residual
}

/** Rounds to so many bits behind the leading one. */
function shorten(value: number, bits: number): number {
  if (value === 0) return 0
  const step = 2 ** (Math.floor(Math.log2(Math.abs(value))) - bits)
  return Math.round(value / step) * step
}

function product(a: Float32Array, b: Float32Array): Float32Array {
  const c = new Float64Array(n * n)
  for (let i = 0; i < n; i++) {
    for (let k = 0; k < n; k++) {
      const factor = a[i * n + k] ?? 0
      for (let j = 0; j < n; j++) c[i * n + j] = (c[i * n + j] ?? 0) + factor * (b[k * n + j] ?? 0)
    }
  }
  return Float32Array.from(c)
}
