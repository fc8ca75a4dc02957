import fc from 'fast-check'
import { expect, test } from 'vitest'
import { lotEnd, lotPrice, whenLotCosts } from './lotPrice.ts'

const lots = fc.record({
  startPrice: fc.bigInt({ min: 1n, max: 2n ** 88n - 1n }),
  startedAt: fc.integer({ min: 0, max: 2 ** 31 }),
  halfLife: fc.integer({ min: 1, max: 2 ** 24 }),
})

test('default: it halves each half-life, and ends after eight', () => {
  const lot = { startPrice: 1_024n, startedAt: 1_000, halfLife: 100 }
  expect([1_000, 1_050, 1_100, 1_200].map((time) => lotPrice(lot, time))).toEqual([1_024n, 768n, 512n, 256n])
  expect(lotEnd(lot)).toBe(1_800)
  expect(whenLotCosts(lot, 1_024n)).toBe(1_000)
  expect(whenLotCosts(lot, 512n)).toBe(1_100)
  expect(whenLotCosts(lot, 4n)).toBeLessThan(1_800)
  expect(whenLotCosts(lot, 3n)).toBeNull()
})

test('behavior: the first second that is cheap enough, and no earlier one', () => {
  fc.assert(
    fc.property(lots, fc.bigInt({ min: 0n, max: 2n ** 88n }), (lot, price) => {
      const time = whenLotCosts(lot, price)
      const last = lotEnd(lot) - 1
      if (time === null) {
        expect(lotPrice(lot, last)).toBeGreaterThan(price)
        return
      }
      expect(time).toBeLessThanOrEqual(last)
      expect(lotPrice(lot, time)).toBeLessThanOrEqual(price)
      if (time > lot.startedAt) expect(lotPrice(lot, time - 1)).toBeGreaterThan(price)
    }),
  )
})
