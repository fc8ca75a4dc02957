import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { aboutTokens, createMeter } from './meter.ts'
import { readModelCall } from './modelCall.ts'
import { costUp } from './modelPrice.ts'

const price = { perRequest: 7n, perMillionInput: 1_500_000n, perMillionOutput: 6_000_000n }
const models = [{ id: 'm', price, maxInput: 500, maxOutput: 100 }]
const callOf = (request: object) =>
  readModelCall('completions', new TextEncoder().encode(JSON.stringify({ model: 'm', ...request })), models)

describe('default', () => {
  test("the upstream's usage where it is plausible, else our own count", () => {
    const meter = createMeter(callOf({ prompt: 'abcdefgh', max_tokens: 10 }))
    expect(meter.begun()).toBe(false)
    meter.deliver('four')
    meter.deliver('five more')
    expect(meter.read()).toEqual({
      input: 2,
      output: 4,
      cost: costUp(price, { input: 2, output: 4 }),
      by: 'gateway',
    })
    meter.report({ prompt_tokens: 3, completion_tokens: 11 })
    expect(meter.read().by).toBe('gateway')
    meter.report({ prompt_tokens: 3, completion_tokens: 3 })
    expect(meter.read()).toMatchObject({ input: 3, output: 3, by: 'upstream' })
  })

  test('usage above what the delivered bytes can hold is not believed, unless it was thought', () => {
    const meter = createMeter(callOf({ prompt: 'a', max_tokens: 100 }))
    meter.deliver('ok')
    meter.report({ prompt_tokens: 1, completion_tokens: 90 })
    expect(meter.read().by).toBe('gateway')
    meter.report({
      prompt_tokens: 1,
      completion_tokens: 90,
      completion_tokens_details: { reasoning_tokens: 80 },
    })
    expect(meter.read()).toMatchObject({ output: 90, by: 'upstream' })
  })

  test('about four bytes a token', () => {
    expect([aboutTokens('', 'm'), aboutTokens('abcd', 'm'), aboutTokens('€€', 'm')]).toEqual([0, 1, 2])
  })
})

describe('behavior', () => {
  test('whatever is delivered and claimed, the cost is between the fixed part and the quote', () => {
    const wild = fc.oneof(fc.integer(), fc.double(), fc.string(), fc.constant(null))
    const usage = fc.record({ prompt_tokens: wild, completion_tokens: wild }, { requiredKeys: [] })
    const step = fc.oneof(
      fc.string({ unit: 'grapheme' }).map((text) => ({ text })),
      usage.map((usage) => ({ usage })),
      fc.record({ prompt_tokens: fc.nat(600), completion_tokens: fc.nat(150) }).map((usage) => ({ usage })),
    )
    const prompt = fc.oneof(
      fc.string(),
      fc.array(fc.string(), { minLength: 1 }),
      fc.array(fc.nat(), { minLength: 1 }),
    )
    fc.assert(
      fc.property(prompt, fc.array(step), fc.integer({ min: 1, max: 100 }), (prompt, steps, max_tokens) => {
        const call = callOf({ prompt, max_tokens })
        const quote = costUp(price, { input: call.inputAtMost, output: call.outputAtMost })
        const meter = createMeter(call)
        for (const one of steps) {
          if ('text' in one) meter.deliver(one.text)
          else meter.report(one.usage)
          const { input, output, cost } = meter.read()
          expect(cost).toBe(costUp(price, { input, output }))
          expect(cost).toBeLessThanOrEqual(quote)
          expect(cost).toBeGreaterThanOrEqual(price.perRequest)
        }
      }),
    )
  })
})
