import fc from 'fast-check'
import type { Hex } from 'viem'
import { describe, expect, test } from 'vitest'
import { chooseEvictions, type KeptFiles } from './chooseEvictions.ts'

const idOf = (index: number): Hex => `0x${index.toString(16).padStart(64, '0')}`
const kept = (index: number, more: Partial<KeptFiles> = {}): KeptFiles => ({
  lease: idOf(index),
  size: 10,
  endedAt: index,
  settled: true,
  acknowledged: false,
  ...more,
})
const roomy = { budget: 1000, free: 1000, reserve: 0 }

describe('chooseEvictions', () => {
  test('default: nothing goes while everything fits', () => {
    expect(chooseEvictions([kept(1), kept(2)], { ...roomy, budget: 20 })).toEqual([])
  })

  test('behavior: beyond the budget the oldest go, fetched ones before them', () => {
    const files = [kept(3), kept(1), kept(2), kept(4, { acknowledged: true })]
    expect(chooseEvictions(files, { ...roomy, budget: 39 })).toEqual([idOf(4)])
    expect(chooseEvictions(files, { ...roomy, budget: 15 })).toEqual([idOf(4), idOf(1), idOf(2)])
  })

  test('behavior: within the budget files go as well before the disk is too full for work', () => {
    expect(chooseEvictions([kept(1), kept(2)], { budget: 1000, free: 5, reserve: 10 })).toEqual([idOf(1)])
  })

  test('property: unsettled leases keep their files; no more goes than has to', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.record({
            size: fc.nat(50),
            endedAt: fc.option(fc.nat(100)),
            settled: fc.boolean(),
            acknowledged: fc.boolean(),
          }),
          { maxLength: 20 },
        ),
        fc.record({ budget: fc.nat(400), free: fc.nat(100), reserve: fc.nat(100) }),
        (list, room) => {
          const files = list.map((one, index) => ({ ...one, lease: idOf(index) }))
          const gone = new Set(chooseEvictions(files, room))
          const sum = (of: readonly KeptFiles[]) => of.reduce((total, { size }) => total + size, 0)
          const evicted = files.filter(({ lease }) => gone.has(lease))
          expect(evicted.every(({ settled }) => settled)).toBe(true)
          const excess = Math.max(sum(files) - room.budget, room.reserve - room.free)
          const evictable = files.filter(({ settled }) => settled)
          expect(sum(evicted)).toBeGreaterThanOrEqual(Math.min(excess, sum(evictable)))
          // Without the last one it would not have been enough.
          const last = evicted.find(({ lease }) => lease === [...gone].at(-1))
          if (last !== undefined) expect(sum(evicted) - last.size).toBeLessThan(excess)
        },
      ),
    )
  })
})
