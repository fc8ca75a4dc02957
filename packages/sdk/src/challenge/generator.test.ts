import { readFileSync } from 'node:fs'
import type { Hex } from 'viem'
import { describe, expect, test } from 'vitest'
import { entryScale, expandEntries, generatorState, type Part } from './generator.ts'

interface Vector {
  readonly seed: Hex
  readonly n: number
  readonly unit: number
  readonly part: Part
  readonly first: number
  /** Entries times 2^23. */
  readonly entries: readonly number[]
}

const vectors: readonly Vector[] = JSON.parse(
  readFileSync(new URL('../../../../vectors/challenge.json', import.meta.url), 'utf8'),
)
const seed: Hex = `0x${'5a'.repeat(32)}`

describe('expandEntries', () => {
  test.each(vectors)('default: $part of size $n, unit $unit, from $first', (vector) => {
    const { first, entries } = vector
    const found = expandEntries(generatorState(vector), first, entries.length)
    expect([...found].map((entry) => entry / entryScale)).toEqual(entries)
  })

  test('behavior: uniform in [-1, 1) with 24 bits', () => {
    const entries = expandEntries(generatorState({ seed, n: 512, unit: 0, part: 'a' }), 0, 65_536)
    const mean = entries.reduce((sum, entry) => sum + entry, 0) / entries.length
    const variance = entries.reduce((sum, entry) => sum + entry * entry, 0) / entries.length
    // Five standard deviations of the mean and of the variance of so many.
    expect(Math.abs(mean)).toBeLessThan(5 / Math.sqrt(3 * entries.length))
    expect(Math.abs(variance - 1 / 3)).toBeLessThan(5 * Math.sqrt(4 / 45 / entries.length))
    expect(entries.every((entry) => entry >= -1 && entry < 1 && Number.isInteger(entry / entryScale))).toBe(
      true,
    )
    expect(entries.some((entry) => (entry / entryScale) % 2 !== 0)).toBe(true)
  })

  test('behavior: nothing in common between seeds, sizes, units and parts', () => {
    const first = (change: object) =>
      expandEntries(generatorState({ seed, n: 512, unit: 0, part: 'a', ...change }), 0, 16).join()
    const all = [
      {},
      { seed: `0x${'5b'.repeat(32)}` },
      { n: 576 },
      { unit: 1 },
      { part: 'b' },
      { part: 'r' },
    ].map(first)
    expect(new Set(all).size).toBe(all.length)
  })
})
