import { createHash } from 'node:crypto'
import { closeSync, openSync, readSync } from 'node:fs'
import { type JobPaths, readState, type StoredResult } from './jobFolder.ts'

/**
 * The result of a job whose supervisor ended without writing one: killed, no outputs, the log as far as it was stored.
 * `message` says what is known.
 */
export function abandonedResult(paths: JobPaths, message: string): StoredResult {
  const endedAt = Date.now() / 1000
  const startedAt = readState(paths)?.startedAt ?? null
  return {
    outcome: 'killed',
    exitCode: null,
    signal: startedAt === null ? null : 'SIGKILL',
    reason: 'error',
    message,
    startedAt: startedAt ?? endedAt,
    endedAt,
    usage: { cpuSeconds: 0, maxMemoryBytes: 0 },
    outputs: null,
    log: hashLog(paths.log),
    failure: startedAt === null ? { code: 'JOB_START_FAILED', message, remedy: null } : null,
  }
}

function hashLog(path: string): { size: number; sha256: string } {
  const hash = createHash('sha256')
  let size = 0
  try {
    const file = openSync(path, 'r')
    const buffer = Buffer.alloc(1 << 18)
    for (let read = readSync(file, buffer); read > 0; read = readSync(file, buffer)) {
      hash.update(buffer.subarray(0, read))
      size += read
    }
    closeSync(file)
  } catch {
    // No log was begun.
  }
  return { size, sha256: `0x${hash.digest('hex')}` }
}
