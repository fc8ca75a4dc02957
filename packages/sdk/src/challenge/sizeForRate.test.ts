import fc from 'fast-check'
import { expect, test } from 'vitest'
import { isChallengeSize } from './limits.ts'
import { sizeForRate } from './sizeForRate.ts'

test('default: always an allowed size that takes long enough, where one does', () => {
  fc.assert(
    fc.property(
      fc.double({ min: 0, max: 1e6, noNaN: true }),
      fc.double({ min: 0, max: 10, noNaN: true }),
      (gflops, seconds) => {
        const n = sizeForRate(gflops, seconds)
        expect(isChallengeSize(n)).toBe(true)
        if (n < 65_536) expect((2 * n ** 3) / 1e9).toBeGreaterThanOrEqual(gflops * seconds * (1 - 1e-9))
      },
    ),
  )
})
