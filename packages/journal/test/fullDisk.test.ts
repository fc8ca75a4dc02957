import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openJournal } from '../src/openJournal.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'full-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true, maxRetries: 40, retryDelay: 50 }))

// The system's own limit on the size of a file stands for the full disk: it fails a write in the middle, too.
test.skipIf(process.platform === 'win32')(
  'behavior: on a full disk each entry is refused and none half written; with room again it goes on',
  async () => {
    const path = join(folder, 'journal.jsonl')
    const script = fileURLToPath(new URL('./fullDisk.process.ts', import.meta.url))
    const node = [process.execPath, '--conditions=source', '--import', 'tsx', script, path]
    const child = spawn('bash', ['-c', 'ulimit -f 32 && exec "$@"', 'bash', ...node], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, TSX_DISABLE_CACHE: '1' },
    })
    let output = ''
    for await (const piece of child.stdout) output += String(piece)
    const { acknowledged, lengthWhenFull, errors } = JSON.parse(output)
    expect(acknowledged).toBeGreaterThan(100)
    expect(lengthWhenFull).toBe(acknowledged)
    expect(errors).toEqual(
      Array(4).fill({
        code: 'JOURNAL_WRITE_FAILED',
        retryable: true,
        remedy: expect.stringContaining('Free space on this disk.'),
      }),
    )
    const journal = await openJournal<string>({ path })
    expect(journal.torn).toBe(0)
    expect(journal.replayed.map(({ entry }) => entry)).toEqual(['before', 'after'])
    await journal.close()
  },
)
