import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { UpstreamAnswerInvalidError } from './errors.ts'
import { readEvents } from './readEvents.ts'

async function* cut(bytes: Uint8Array, places: readonly number[]): AsyncGenerator<Uint8Array> {
  const ends = [...places.map((place) => place % (bytes.length + 1)), bytes.length].sort((a, b) => a - b)
  let from = 0
  for (const end of ends) {
    yield bytes.subarray(from, end)
    from = end
  }
}
async function all(text: string, places: readonly number[] = [], most = 1000): Promise<string[]> {
  const events: string[] = []
  for await (const some of readEvents(cut(new TextEncoder().encode(text), places), most)) events.push(...some)
  return events
}

describe('default', () => {
  test('data of each event; comments, other fields and an unfinished event are left out', async () => {
    const text =
      ': hello\ndata: {"a":1}\n\nevent: x\nid: 3\ndata:two\ndata:  lines\n\n\ndata: [DONE]\n\ndata: cut'
    expect(await all(text)).toEqual(['{"a":1}', 'two\n lines', '[DONE]'])
  })

  test('behavior: the same however the bytes are cut and whichever way lines end', async () => {
    const line = fc.string({ unit: 'grapheme', maxLength: 20 }).map((text) => text.replace(/[\r\n]/g, ''))
    await fc.assert(
      fc.asyncProperty(
        fc.array(line, { maxLength: 8 }),
        fc.constantFrom('\n', '\r\n', '\r'),
        fc.array(fc.nat(), { maxLength: 12 }),
        async (lines, end, places) => {
          // The last line is one that no lone carriage return waits for.
          const text = `${lines.map((data) => `data: ${data}${end}${end}`).join('')}:`
          expect(await all(text, places)).toEqual(lines)
        },
      ),
    )
  })
})

test('behavior: events that one chunk ends come together, also before one that is too long', async () => {
  const bytes = new TextEncoder().encode(`data: a\n\ndata: b\n\ndata: c\n\ndata: ${'x'.repeat(1001)}`)
  const together: (readonly string[])[] = []
  const reading = async () => {
    for await (const some of readEvents(cut(bytes, [12]), 1000)) together.push(some)
  }
  await expect(reading()).rejects.toThrow(UpstreamAnswerInvalidError)
  expect(together).toEqual([['a'], ['b', 'c']])
})

describe('error: UpstreamAnswerInvalidError', () => {
  test('an event without end', async () => {
    await expect(all(`data: ${'x'.repeat(1001)}`)).rejects.toThrow(UpstreamAnswerInvalidError)
    await expect(all('data: x\n'.repeat(200))).rejects.toThrow('an event is longer than 1000 characters')
    expect(await all(`data: ${'x'.repeat(900)}\n\n`.repeat(5))).toHaveLength(5)
  })
})
