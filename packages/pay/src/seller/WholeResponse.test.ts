import { expect, test } from 'vitest'
import { WholeResponse } from './WholeResponse.ts'

const text = '{"answer":42}'
const whole = () =>
  new WholeResponse(new TextEncoder().encode(text), {
    status: 201,
    headers: { 'content-type': 'application/json', 'x-a': 'b' },
  })

test('default: the bytes are at hand until somebody reads it otherwise', async () => {
  const response = whole()
  expect(response).toBeInstanceOf(Response)
  expect(new TextDecoder().decode(WholeResponse.bytesOf(response) ?? undefined)).toBe(text)
  expect([response.status, response.bodyUsed, response.headers.get('x-a')]).toEqual([201, false, 'b'])
  expect(await response.text()).toBe(text)
  expect([response.bodyUsed, WholeResponse.bytesOf(response)]).toEqual([true, null])
  expect(WholeResponse.bytesOf(new Response(text))).toBeNull()
})

test.each<[string, (response: Response) => Promise<unknown>, unknown]>([
  ['text', (response) => response.text(), text],
  ['json', (response) => response.json(), { answer: 42 }],
  ['arrayBuffer', async (response) => Buffer.from(await response.arrayBuffer()).toString(), text],
  ['blob', async (response) => (await response.blob()).text(), text],
  ['the type of a blob', async (response) => (await response.blob()).type, 'application/json'],
  ['body', async (response) => new Response(response.body).text(), text],
  ['a clone', (response) => response.clone().text(), text],
  ['a new one of it', async (response) => new Response(response.body, response).text(), text],
])('behavior: its %s is that of any other answer', async (_, read, expected) => {
  expect(await read(whole())).toEqual(expected)
})

test('behavior: a clone is read by itself, before and after the first is opened', async () => {
  const response = whole()
  const before = response.clone()
  expect(response.body).toBe(response.body)
  const after = response.clone()
  for (const each of [before, after, response]) {
    expect([each.status, each.headers.get('x-a'), await each.text()]).toEqual([201, 'b', text])
    expect(each.bodyUsed).toBe(true)
  }
})

test('error: it is read once, and not cloned after', async () => {
  const response = whole()
  await response.text()
  await expect(response.text()).rejects.toThrow(TypeError)
  expect(() => response.clone()).toThrow(TypeError)
})
