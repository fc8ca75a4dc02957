import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { formatAmount, formatDecimal, parseAmount } from './amounts.ts'
import { formatDuration, parseDuration } from './durations.ts'

const dollar = { address: '0x0000000000000000000000000000000000000001', symbol: 'TUSD', decimals: 6 } as const

describe('amounts', () => {
  test('default', () => {
    expect(formatAmount(360_000n, dollar)).toBe('0.36 TUSD')
    expect(formatAmount(1n, dollar)).toBe('0.000001 TUSD')
    expect(parseAmount('12.5', dollar)).toBe(12_500_000n)
  })
  test('behavior: what is written is read back', () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: 0n, max: 2n ** 128n }),
        fc.integer({ min: 0, max: 18 }),
        (amount, decimals) => {
          expect(parseAmount(formatDecimal(amount, decimals), { ...dollar, decimals })).toBe(amount)
        },
      ),
    )
  })
  test.each(['', '-1', '1.0000001', '1e3', '0x1', '1,5', 'all'])(
    'error: AmountInvalidError for %j',
    (text) => {
      expect(() => parseAmount(text, dollar)).toThrowError(
        expect.objectContaining({ code: 'AMOUNT_INVALID' }),
      )
    },
  )
})

describe('durations', () => {
  test.each([
    ['90', 90],
    ['90s', 90],
    ['15m', 900],
    ['1h30m', 5400],
    ['2d', 172_800],
    ['0.5h', 1800],
  ])('default: %s', (text, seconds) => expect(parseDuration(text)).toBe(seconds))
  test.each(['', '0', '-5', '1x', 'h', '1h-3m', '999999d'])('error: DurationInvalidError for %j', (text) => {
    expect(() => parseDuration(text)).toThrowError(expect.objectContaining({ code: 'DURATION_INVALID' }))
  })
  test('behavior: people read it', () => {
    expect([45, 720, 12_600, 172_800].map(formatDuration)).toEqual(['45 s', '12 min', '3.5 h', '2 d'])
  })
})
