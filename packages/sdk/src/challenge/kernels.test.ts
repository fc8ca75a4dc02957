import fc from 'fast-check'
import type { Hex } from 'viem'
import { describe, expect, test } from 'vitest'
import { writeState } from './createExpander.ts'
import { expandEntries, generatorState, type Part } from './generator.ts'
import { assembleKernels, type Kernels, tile } from './kernels.ts'

const memory = new WebAssembly.Memory({ initial: 64 })
const { instance } = await WebAssembly.instantiate(assembleKernels({ shared: false }), { env: { memory } })
const kernels = instance.exports as unknown as Kernels
const floats = new Float32Array(memory.buffer)
const doubles = new Float64Array(memory.buffer)
const seedOf = (bytes: Uint8Array): Hex => `0x${Buffer.from(bytes).toString('hex')}`
const seeds = fc.uint8Array({ minLength: 32, maxLength: 32 }).map(seedOf)

describe('expand', () => {
  test('behavior: equals the definition at every place', () => {
    fc.assert(
      fc.property(
        fc.record({
          seed: seeds,
          n: fc.integer({ min: 8, max: 64 }).map((k) => 64 * k),
          unit: fc.nat(7),
          part: fc.constantFrom<Part>('a', 'b', 'r'),
          block: fc.nat(2 ** 28),
          groups: fc.integer({ min: 1, max: 6 }),
        }),
        ({ seed, n, unit, part, block, groups }) => {
          const state = generatorState({ seed, n, unit, part })
          writeState(memory, 0, state)
          kernels.expand(0, 1024, block, groups)
          const expected = expandEntries(state, 16 * block, 64 * groups)
          expect(floats.slice(256, 256 + 64 * groups)).toEqual(expected)
        },
      ),
    )
  })
})

describe('dot', () => {
  test('behavior: four products with doubles', () => {
    const n = 64
    for (let i = 0; i < n; i++) floats[256 + i] = Math.fround(Math.sin(i))
    for (let i = 0; i < 4 * n; i++) doubles[512 + i] = Math.cos(i) / 3
    kernels.dot(1024, 4096, n, 0)
    for (let t = 0; t < 4; t++) {
      let sum = 0
      for (let i = 0; i < n; i++) sum += (floats[256 + i] ?? 0) * (doubles[512 + t * n + i] ?? 0)
      expect(doubles[t]).toBeCloseTo(sum, 12)
    }
  })
})

describe('packLeft, packRight, multiply', () => {
  test('behavior: add the product to C, exactly for small whole numbers', () => {
    const [rows, depth, columns] = [8, 12, 24]
    const at = { a: 0, packedA: 4096, b: 8192, packedB: 16384, c: 32768 }
    const a = (i: number, k: number) => ((i * 7 + k * 3) % 11) - 5
    const b = (k: number, j: number) => ((k * 5 + j) % 13) - 6
    for (let i = 0; i < rows; i++) for (let k = 0; k < depth; k++) floats[at.a / 4 + i * depth + k] = a(i, k)
    for (let k = 0; k < depth; k++) {
      for (let j = 0; j < columns; j++) floats[at.b / 4 + j] = b(k, j)
      kernels.packRight(
        at.b,
        at.packedB + 4 * tile.columns * k,
        4 * tile.columns * depth,
        columns / tile.columns,
      )
    }
    kernels.packLeft(at.a, 4 * depth, at.packedA, depth, rows / tile.rows)
    floats.fill(1, at.c / 4, at.c / 4 + rows * columns)
    kernels.multiply(
      at.packedA,
      at.packedB,
      at.c,
      4 * columns,
      depth,
      rows / tile.rows,
      columns / tile.columns,
    )
    for (let i = 0; i < rows; i++) {
      for (let j = 0; j < columns; j++) {
        let sum = 1
        for (let k = 0; k < depth; k++) sum += a(i, k) * b(k, j)
        expect(floats[at.c / 4 + i * columns + j]).toBe(sum)
      }
    }
  })
})
