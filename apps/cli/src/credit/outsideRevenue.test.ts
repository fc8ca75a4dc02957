import fc from 'fast-check'
import { expect, test } from 'vitest'
import { outsideRevenue } from './outsideRevenue.ts'

const amount = fc.bigInt({ min: 0n, max: 2n ** 88n - 1n })

test('default: the share of the period, of what trails', () => {
  expect(outsideRevenue(90n, { revenue: 65n, adjusted: 25n })).toBe(34n)
  expect(outsideRevenue(90n, { revenue: 0n, adjusted: 0n })).toBe(0n)
})

test('behavior: never more than trails, nor a larger share than came from outside; all where all did', () => {
  fc.assert(
    fc.property(amount, amount, amount, (trailing, revenue, adjusted) => {
      const outside = outsideRevenue(trailing, { revenue, adjusted })
      expect(outside).toBeLessThanOrEqual(trailing)
      expect(outside * revenue).toBeLessThanOrEqual(trailing * adjusted)
      if (revenue > 0n && adjusted >= revenue) expect(outside).toBe(trailing)
      // Within one unit of the exact share.
      if (revenue > 0n && adjusted < revenue)
        expect((outside + 1n) * revenue).toBeGreaterThan(trailing * adjusted)
    }),
  )
})
