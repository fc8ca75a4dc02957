import { describe, expect, test } from 'vitest'
import { createReplays, type OpenCall } from './createReplays.ts'

const answerOf = (size: number) => ({ status: 200, headers: {}, body: new Uint8Array(size) })
const begun = (replays: ReturnType<typeof createReplays>, key: string): OpenCall => {
  const found = replays.begin(key)
  if (found.type !== 'new') throw new RangeError(`call '${key}' is ${found.type}`)
  return found.call
}

describe('default', () => {
  test('a call is open, then answered; another key is another call', () => {
    const replays = createReplays(() => 0)
    const call = begun(replays, 'a')
    expect(replays.begin('a')).toEqual({ type: 'open' })
    begun(replays, 'b')
    call.answered(answerOf(3))
    expect(replays.begin('a')).toEqual({ type: 'answered', answer: answerOf(3) })
  })

  test('what was charged for a part is credited until it is answered', () => {
    const replays = createReplays(() => 0)
    begun(replays, 'a').charged(5n)
    const second = begun(replays, 'a')
    expect(second.credit).toBe(5n)
    second.charged(2n)
    const third = begun(replays, 'a')
    expect(third.credit).toBe(7n)
    third.dropped()
    expect(begun(replays, 'a').credit).toBe(7n)
    const fresh = begun(replays, 'b')
    fresh.dropped()
    expect(begun(replays, 'b').credit).toBe(0n)
  })
})

describe('behavior: limits', () => {
  test('the oldest are forgotten by time, by number and by bytes; calls under way are not', () => {
    let now = 0
    const replays = createReplays(() => now, { keptMs: 100, maxBytes: 10, maxCalls: 3 })
    begun(replays, 'open')
    begun(replays, 'a').answered(answerOf(4))
    begun(replays, 'b').answered(answerOf(4))
    begun(replays, 'c').answered(answerOf(4))
    expect(replays.begin('open')).toEqual({ type: 'open' })
    expect(replays.begin('c').type).toBe('answered')
    expect(replays.begin('a').type).toBe('new')
    now = 101
    expect(replays.begin('c').type).toBe('new')
    expect(replays.begin('open')).toEqual({ type: 'open' })
  })
})
