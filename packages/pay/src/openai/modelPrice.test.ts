import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { costUp } from './modelPrice.ts'
import { openAiGateway } from './openAiGateway.ts'

const price = { perRequest: 10n, perMillionInput: 150_000n, perMillionOutput: 600_000n }
const prices = fc.record({
  perRequest: fc.bigInt(0n, 10n ** 9n),
  perMillionInput: fc.bigInt(0n, 10n ** 12n),
  perMillionOutput: fc.bigInt(0n, 10n ** 12n),
})
const count = fc.nat(1_000_000)

describe('costUp', () => {
  test('example', () => {
    expect(costUp(price, { input: 12, output: 40 })).toBe(36n)
  })

  test('behavior: rounded once, up, by less than one unit, and never less for more tokens', () => {
    fc.assert(
      fc.property(prices, count, count, (price, input, output) => {
        const cost = costUp(price, { input, output })
        const exact =
          price.perRequest * 1_000_000n +
          BigInt(input) * price.perMillionInput +
          BigInt(output) * price.perMillionOutput
        expect(cost * 1_000_000n).toBeGreaterThanOrEqual(exact)
        expect(cost * 1_000_000n - exact).toBeLessThan(1_000_000n)
        expect(costUp(price, { input, output: output + 1 })).toBeGreaterThanOrEqual(cost)
      }),
    )
  })
})

describe('error: InvalidInputError', () => {
  test('a negative price', () => {
    const model = { id: 'm', price: { ...price, perMillionInput: -1n }, maxInput: 1, maxOutput: 1 }
    expect(() =>
      openAiGateway({ upstream: { url: 'http://127.0.0.1:1' }, models: [model], schemes: [] }),
    ).toThrow("The price of model 'm' is not valid: 'perMillionInput': -1 is negative.")
  })
})
