import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

test('error: JournalWriteError, a full disk: nothing half is left, and it goes on once there is room', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'full-'))
  try {
    const script = fileURLToPath(new URL('../../test/fullDisk.ts', import.meta.url))
    // Bubblewrap gives the process a file system of its own with 512 KiB, to root and to ordinary users alike.
    const { stdout } = await promisify(execFile)('bwrap', [
      ...['--dev-bind', '/', '/', '--size', String(512 * 1024), '--tmpfs', folder],
      ...[process.execPath, '--conditions=source', '--import', 'tsx', script, folder],
    ])
    expect(JSON.parse(stdout)).toEqual({
      failed: 'JOURNAL_WRITE_FAILED',
      remedy:
        'Free space on this disk. No new work is taken until it can be written again; then it goes on by itself.',
      writableFull: false,
      stateKept: '1',
      whileFull: '1',
      writableAgain: true,
      asset: '2',
      torn: 0,
      whole: true,
    })
  } finally {
    await rm(folder, { recursive: true, maxRetries: 40, retryDelay: 50 })
  }
})
