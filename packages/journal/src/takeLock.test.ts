import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openJournal } from './openJournal.ts'
import { takeLock } from './takeLock.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lock-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true, maxRetries: 40, retryDelay: 50 }))

test('default: one holder at a time', async () => {
  const path = join(folder, 'lock')
  const lock = await takeLock(path, 'the shop')
  await expect(takeLock(path, 'the shop')).rejects.toMatchObject({
    code: 'JOURNAL_IN_USE',
    details: { path: 'the shop', pid: process.pid },
  })
  await lock.release()
  await (await takeLock(path, 'the shop')).release()
})

test('behavior: what a killed process left is taken over, and so is what cannot be read', async () => {
  const path = join(folder, 'lock')
  for (const left of ['{"pid":1,"started":"0"}', '{"pid":99999999,"started":"5"}', '', '{"pid":']) {
    writeFileSync(path, left)
    await (await takeLock(path, 'the shop')).release()
  }
})

test('behavior: of many at once one gets it', async () => {
  const path = join(folder, 'lock')
  const all = await Promise.allSettled(Array.from({ length: 20 }, () => takeLock(path, 'the shop')))
  expect(all.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
})

test('behavior: an exclusive journal has one user', async () => {
  const path = join(folder, 'journal.jsonl')
  const journal = await openJournal({ path, exclusive: true })
  await expect(openJournal({ path, exclusive: true })).rejects.toMatchObject({ code: 'JOURNAL_IN_USE' })
  await journal.close()
  await (await openJournal({ path, exclusive: true })).close()
})
