import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ParameterError } from '../errors/RiskError.ts'
import { valueAt } from './curve.ts'
import { halfLifeOf, halvingLeft } from './halving.ts'

interface Vector {
  readonly amount: string
  readonly elapsed: number
  readonly halfLife: number
  readonly left: string
}
const { list } = JSON.parse(
  readFileSync(new URL('../../../../vectors/halving.json', import.meta.url), 'utf8'),
) as { list: readonly Vector[] }

const solidity = JSON.parse(
  readFileSync(new URL('../../../../vectors/solidity.json', import.meta.url), 'utf8'),
) as { readonly halving: readonly (readonly string[])[] }

describe('halvingLeft', () => {
  test('default: what the contracts wrote', () => {
    expect(solidity.halving.length).toBe(32)
    for (const [amount = '', elapsed, halfLife, left = ''] of solidity.halving)
      expect(
        halvingLeft({ amount: BigInt(amount), elapsed: Number(elapsed), halfLife: Number(halfLife) }),
      ).toBe(BigInt(left))
  })

  test('default: the golden values that the contracts are held against too', () => {
    expect(list.length).toBe(64)
    for (const { amount, elapsed, halfLife, left } of list)
      expect(halvingLeft({ amount: BigInt(amount), elapsed, halfLife })).toBe(BigInt(left))
  })

  test('behavior: never rises, halves each half-life, and is above the exponential by at most 6.1 %', () => {
    const amounts = fc.bigInt({ min: 10n ** 9n, max: 2n ** 88n })
    const seconds = fc.integer({ min: 0, max: 300_000_000 })
    fc.assert(
      fc.property(
        amounts,
        seconds,
        seconds,
        fc.double({ min: 0.05, max: 2, noNaN: true }),
        (amount, a, b, drift) => {
          const halfLife = halfLifeOf(drift)
          const left = (elapsed: number) => halvingLeft({ amount, elapsed, halfLife })
          expect(left(Math.max(a, b)) <= left(Math.min(a, b))).toBe(true)
          expect(left(halfLife)).toBe(amount >> 1n)
          const years = (a % halfLife) / 31_536_000
          const smooth = valueAt({ value: Number(amount), drift }, years)
          const ratio = Number(left(a % halfLife)) / smooth
          expect(ratio).toBeGreaterThan(1 - 1e-6)
          expect(ratio).toBeLessThan(1.0615)
        },
      ),
    )
  })

  test('error: ParameterError', () => {
    expect(() => halvingLeft({ amount: -1n, elapsed: 0, halfLife: 1 })).toThrow(ParameterError)
    expect(() => halvingLeft({ amount: 1n, elapsed: 0.5, halfLife: 1 })).toThrow(ParameterError)
    expect(() => halvingLeft({ amount: 1n, elapsed: 0, halfLife: 0 })).toThrow(
      'The half-life in seconds is "0"',
    )
    expect(() => halfLifeOf(0)).toThrow('above zero for a half-life')
  })
})
