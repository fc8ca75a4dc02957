import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { JournalInUseError } from './errors.ts'
import { openJournalMap } from './openJournalMap.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-map-'))
})
afterAll(() => rm(folder, { recursive: true, force: true, maxRetries: 40, retryDelay: 50 }))

interface Thing {
  readonly id: string
  readonly count: number
}
const open = (name: string) =>
  openJournalMap<Thing>({ path: join(folder, name), nameOf: ({ id }) => id, exclusive: true })

test('default: the last value of each name is there again, and what was pruned is not', async () => {
  const first = await open('default')
  await Promise.all([first.put({ id: 'a', count: 1 }), first.put({ id: 'b', count: 1 })])
  await first.put({ id: 'a', count: 2 })
  await first.put({ id: 'c', count: 3 })
  await first.prune(({ count }) => count > 1)
  await first.close()
  const again = await open('default')
  expect(again.values()).toEqual([
    { id: 'a', count: 2 },
    { id: 'c', count: 3 },
  ])
  expect([again.get('a')?.count, again.get('b')]).toEqual([2, undefined])
  await again.close()
})

test('behavior: a value counts once it is on disk', async () => {
  const map = await open('durable')
  const put = map.put({ id: 'a', count: 1 })
  expect(map.get('a')).toBeUndefined()
  await put
  expect(map.get('a')).toEqual({ id: 'a', count: 1 })
  await map.close()
})

test('behavior: the file does not grow with what is of the past', async () => {
  const map = await open('compact')
  for (let count = 0; count < 2_000; count++) await map.put({ id: `${count % 3}`, count })
  const size = async () => (await readFile(join(folder, 'compact'), 'utf8')).split('\n').length
  expect(await size()).toBeLessThan(300)
  await map.close()
  const again = await open('compact')
  expect(again.values().map(({ count }) => count)).toEqual([1998, 1999, 1997])
  await again.close()
})

test('error: JournalInUseError while another has it open', async () => {
  const map = await open('busy')
  await expect(open('busy')).rejects.toBeInstanceOf(JournalInUseError)
  await map.close()
})
