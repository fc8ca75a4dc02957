import { type FileHandle, open } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import type { LogChunk } from '../../runner.ts'
import { LOG_RECORD_BYTES, type LogSegment, parseLogIndex } from './logIndex.ts'

const CHUNK_BYTES = 64 * 1024
const FIRST_WAIT_MS = 15
const LONGEST_WAIT_MS = 150

/**
 * Read a stored log from byte `from` on, whole segments cut to 64 KiB. `ended` tells whether the log grows no more; with
 * `follow` reading goes on until then.
 */
export async function* readStoredLog(options: {
  readonly log: string
  readonly index: string
  readonly from: number
  readonly follow: boolean
  readonly ended: () => boolean
  readonly signal?: AbortSignal | undefined
}): AsyncGenerator<LogChunk> {
  const log = await openWhenThere(options.log, options)
  if (log === null) return
  const index = await openWhenThere(options.index, options)
  if (index === null) {
    await log.close()
    return
  }
  try {
    let offset = options.from
    let segments: LogSegment[] = []
    let indexed = 0
    let current = 0
    let wait = FIRST_WAIT_MS
    const aborted = () => options.signal?.aborted === true
    while (!aborted()) {
      // Asked before the size is: what is written after a "no" is read in the next round.
      const ended = options.ended()
      const { size } = await log.stat()
      if (offset < size) {
        const fresh = await readAll(index, indexed)
        indexed += fresh.length - (fresh.length % LOG_RECORD_BYTES)
        segments = [...segments, ...parseLogIndex(fresh)]
      }
      const before = offset
      while (offset < size && !aborted()) {
        while ((segments[current + 1]?.from ?? Number.POSITIVE_INFINITY) <= offset) current++
        const until = Math.min(size, segments[current + 1]?.from ?? size, offset + CHUNK_BYTES)
        const { bytesRead, buffer } = await log.read(Buffer.alloc(until - offset), 0, until - offset, offset)
        if (bytesRead === 0) break
        yield { offset, stream: segments[current]?.stream ?? 'system', bytes: buffer.subarray(0, bytesRead) }
        offset += bytesRead
      }
      if (ended || !options.follow) return
      wait = offset > before ? FIRST_WAIT_MS : Math.min(LONGEST_WAIT_MS, wait * 1.5)
      await pause(wait, options.signal)
    }
  } finally {
    await log.close()
    await index.close()
  }
}

async function openWhenThere(
  path: string,
  options: { follow: boolean; ended: () => boolean; signal?: AbortSignal | undefined },
): Promise<FileHandle | null> {
  for (;;) {
    const ended = options.ended()
    try {
      return await open(path)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
      if (ended || !options.follow || options.signal?.aborted === true) return null
      await pause(FIRST_WAIT_MS, options.signal)
    }
  }
}

async function readAll(file: FileHandle, from: number): Promise<Buffer> {
  const { size } = await file.stat()
  const buffer = Buffer.alloc(Math.max(0, size - from))
  const { bytesRead } = await file.read(buffer, 0, buffer.length, from)
  return buffer.subarray(0, bytesRead)
}

async function pause(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await sleep(milliseconds, undefined, signal === undefined ? {} : { signal })
  } catch {
    // Aborted: the caller's loop sees it.
  }
}
