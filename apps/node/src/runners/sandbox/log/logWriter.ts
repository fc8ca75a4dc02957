import { createHash } from 'node:crypto'
import { closeSync, openSync, writeSync } from 'node:fs'
import type { LogStream, StoredLog } from '../../runner.ts'
import { LOG_STREAMS } from './logIndex.ts'

/** Appends to a job's stored log and its index. Writes are synchronous: what was accepted is in the file. */
export interface LogWriter {
  /** Append at most up to the limit; `false` once bytes had to be left out. */
  append(stream: 'stdout' | 'stderr', bytes: Uint8Array): boolean
  /** Append a line of the runner's own; not limited, for the runner says little. */
  note(line: string): void
  /** Size and sha256 of all that was stored. */
  close(): StoredLog
}

/** `limit` in bytes, for stdout and stderr together. Throws the file system's error if the disk is full. */
export function openLogWriter(options: {
  readonly log: string
  readonly index: string
  readonly limit: number
}): LogWriter {
  const log = openSync(options.log, 'wx', 0o600)
  const index = openSync(options.index, 'wx', 0o600)
  const hash = createHash('sha256')
  let size = 0
  let taken = 0
  let last: LogStream | null = null

  const store = (stream: LogStream, bytes: Uint8Array) => {
    if (bytes.byteLength === 0) return
    if (stream !== last) {
      const record = Buffer.alloc(8)
      record.writeBigUInt64BE((BigInt(LOG_STREAMS.indexOf(stream)) << 56n) | BigInt(size))
      // The index goes first: a crash in between leaves an entry that points at the end, which readers ignore.
      writeSync(index, record)
      last = stream
    }
    for (let done = 0; done < bytes.byteLength; ) done += writeSync(log, bytes, done, bytes.byteLength - done)
    hash.update(bytes)
    size += bytes.byteLength
  }

  return {
    append(stream, bytes) {
      const kept = bytes.subarray(0, Math.max(0, options.limit - taken))
      taken += kept.byteLength
      store(stream, kept)
      return kept.byteLength === bytes.byteLength
    },
    note: (line) => store('system', Buffer.from(`${line}\n`)),
    close() {
      closeSync(log)
      closeSync(index)
      return { size, sha256: `0x${hash.digest('hex')}` }
    },
  }
}
