import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { SettlementEntry } from './journal.ts'
import { openSettlements } from './openSettlements.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'settlements-'))
})
afterEach(() => rm(folder, { recursive: true, force: true, maxRetries: 40, retryDelay: 50 }))

const sent = (key: string): SettlementEntry => ({
  ...{ type: 'sent', key, payload: {}, digest: '0x01', raw: '0x02', hash: '0x03', block: '1' },
  requirements: {
    ...{ scheme: 'exact', network: 'eip155:31337', asset: '0x04', amount: '1', payTo: '0x05' },
    ...{ maxTimeoutSeconds: 60, extra: {} },
  } as never,
})

test('behavior: what failed leaves the file while it is open, and nothing else does', async () => {
  const path = join(folder, 'settlements')
  const journal = await openSettlements(path)
  const kept: SettlementEntry[] = []
  const put = async (entries: readonly SettlementEntry[]) => {
    await Promise.all(entries.map((entry) => journal.append(entry)))
  }
  for (let round = 0; round < 100; round++) {
    const life: SettlementEntry[] = [
      sent(`kept ${round}`),
      { type: 'raised', key: `kept ${round}`, raw: '0x06', hash: '0x07' },
    ]
    kept.push(...life)
    const failing = Array.from({ length: 30 }, (_, index) => `failing ${round} ${index}`)
    await put([...life, ...failing.map(sent)])
    await put(failing.map((key) => ({ type: 'failed', key, reason: 'settlement_pending' })))
  }
  await journal.close()
  const text = await readFile(path, 'utf8')
  expect(text).toContain('"kept 0"')
  expect(text).not.toContain('"failing 0 0"')
  const again = await openSettlements(path)
  expect(again.replayed.map(({ entry }) => entry)).toEqual(kept)
  await again.close()
})
