import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { meterTokens } from './meterTokens.ts'

const bytesOf = (text: string) => new TextEncoder().encode(text)
const eventStream = new Headers({ 'content-type': 'text/event-stream; charset=utf-8' })
const json = new Headers({ 'content-type': 'application/json' })
const event = (value: unknown) => `data: ${JSON.stringify(value)}\n\n`
const delta = (content: string) => event({ choices: [{ index: 0, delta: { content } }] })
const countAll = (headers: Headers, text: string) => meterTokens(headers)(bytesOf(text))

describe('default', () => {
  test('events are counted as they come, and put right by the usage that the answer states', () => {
    const count = meterTokens(eventStream)
    expect(count(bytesOf(delta('Hello')))).toBe(2)
    expect(count(bytesOf(delta(' world, how are you?')))).toBe(7)
    expect(count(bytesOf(event({ choices: [], usage: { prompt_tokens: 900, completion_tokens: 6 } })))).toBe(
      6,
    )
    expect(count(bytesOf('data: [DONE]\n\n'))).toBe(6)
  })

  test('whole answers: what they say, or four bytes a token', () => {
    const message = { choices: [{ message: { content: 'twelve bytes' } }] }
    expect(countAll(json, JSON.stringify({ ...message, usage: { completion_tokens: 5 } }))).toBe(5)
    expect(countAll(json, JSON.stringify(message))).toBe(3)
    expect(countAll(json, '[1,2,3,4]')).toBe(3)
    expect(countAll(new Headers(), 'just text')).toBe(3)
  })

  test('other likenesses: events that name a response or a message, tools that are called, thought', () => {
    const text = [
      event({ type: 'message_start', message: { usage: { output_tokens: 1 } } }),
      event({ type: 'content_block_delta', delta: { text: 'eight by' } }),
      event({ type: 'response.output_text.delta', delta: 'tes more' }),
      event({ choices: [{ delta: { reasoning_content: 'hm, well', tool_calls: [{ id: 'a' }] } }] }),
    ].join('')
    // The first states one token; what comes later is added.
    expect(countAll(eventStream, text)).toBe(10)
    expect(countAll(eventStream, text.slice(text.indexOf('\n\n') + 2))).toBe(9)
    const done = event({ type: 'response.completed', response: { usage: { output_tokens: 4 } } })
    expect(countAll(eventStream, `${delta('some words')}${done}`)).toBe(4)
  })
})

test('property: however an answer is cut on its way, both sides count the same', () => {
  const texts = fc.array(fc.string({ unit: 'grapheme', maxLength: 20 }), { maxLength: 20 })
  fc.assert(
    fc.property(
      texts,
      fc.array(fc.nat(30), { minLength: 1 }),
      fc.option(fc.nat(500)),
      (parts, cuts, said) => {
        const stated = said === null ? '' : event({ choices: [], usage: { completion_tokens: said } })
        const whole = bytesOf(`${parts.map(delta).join('')}${stated}data: [DONE]\n\n`)
        const count = meterTokens(eventStream)
        let total = 0
        for (let at = 0, cut = 0; at < whole.length; cut++) {
          const size = 1 + (cuts[cut % cuts.length] ?? 0)
          total = count(whole.subarray(at, at + size))
          at += size
        }
        expect(total).toBe(countAll(eventStream, new TextDecoder().decode(whole)))
        expect(total).toBeLessThanOrEqual(bytesOf(parts.join('')).length)
        if (said !== null && said <= bytesOf(parts.join('')).length) expect(total).toBe(said)
      },
    ),
    { seed: 402, numRuns: 300 },
  )
})

describe('attack', () => {
  test('an answer that states more than a token a byte is counted by its bytes', () => {
    const text = `${delta('abc')}${event({ usage: { completion_tokens: 1e9 } })}`
    expect(countAll(eventStream, text)).toBe(3)
    expect(countAll(json, '{"usage":{"completion_tokens":1000000}}')).toBe(39)
  })

  test('statements that are none, and an event without end', () => {
    for (const completion_tokens of [-1, 1.5, '7', null, Number.MAX_VALUE])
      expect(countAll(eventStream, `${delta('abcdefgh')}${event({ usage: { completion_tokens } })}`)).toBe(2)
    for (const data of ['nothing', '[]', '"text"', '{"choices":[null,3]}', '{"choices":{}}'])
      expect(countAll(eventStream, `data: ${data}\n\n`)).toBeLessThanOrEqual(2)
    const count = meterTokens(eventStream)
    const endless = new Uint8Array(1 << 16).fill(97)
    let total = 0
    for (let piece = 0; piece < 40; piece++) total = count(endless)
    expect(total).toBeGreaterThan((30 << 16) / 4)
  })
})
