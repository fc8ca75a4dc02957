import type { FileHandle } from 'node:fs/promises'
import { constants, mkdir, open, readFile, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { crc32 } from './crc32.ts'
import { JournalClosedError, JournalCorruptError, JournalWriteError } from './errors.ts'
import { type Lock, takeLock } from './takeLock.ts'

/** One line of a journal file as it was read back. */
export interface JournalLine<Entry> {
  readonly sequence: number
  readonly entry: Entry
}

interface Waiting {
  readonly json: string
  readonly written: () => void
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

export interface OpenJournalOptions {
  /** File that holds the journal; its folder is made if it is missing. */
  readonly path: string
  /** Refuses to open it while another process, or another part of this one, has it open so. Default `false`. */
  readonly exclusive?: boolean
}

export interface Journal<Entry> {
  /** What was on disk when the journal was opened, oldest first. */
  readonly replayed: readonly JournalLine<Entry>[]
  /** Bytes of a torn last line that were dropped at opening; 0 after a clean end. */
  readonly torn: number
  /** Lines now in the file: what decides when to compact. */
  readonly length: number
  /**
   * Resolves when `entry` is on disk. Entries are written in the order of the calls; those that arrive while a write
   * is under way share the next one. `written` is called once it is there, in the same order, before anything else
   * is written. Throws `JournalWriteError` if the disk does not take it; the file is then as before.
   */
  append(entry: Entry, written?: () => void): Promise<void>
  /**
   * Replaces the whole file with `entries()`, asked for when every line before is written. Atomic: after a crash either
   * the old or the new file is there.
   */
  compact(entries: () => readonly Entry[]): Promise<void>
  /** Waits for what was appended and closes the file. */
  close(): Promise<void>
}

/** A line as it is on disk: eight digits, a space, the body, a newline. */
function encodeLine(sequence: number, json: string): Uint8Array {
  const body = `[${sequence},${json}]`
  const bytes = Buffer.allocUnsafe(10 + Buffer.byteLength(body))
  bytes.write(body, 9)
  bytes.write(`${crc32(bytes.subarray(9, -1))} `, 0, 'latin1')
  bytes[bytes.length - 1] = 0x0a
  return bytes
}

/**
 * On Linux a write to a file that is opened so returns once its bytes, and the file's new length, are on disk: the same as
 * `fdatasync` after it, in one call instead of two. Elsewhere it promises less, and `fdatasync` follows.
 *
 * @see https://man7.org/linux/man-pages/man2/open.2.html
 */
const syncOnWrite = process.platform === 'linux' ? constants.O_DSYNC : 0
const appending = constants.O_APPEND | constants.O_CREAT | constants.O_RDWR | syncOnWrite

/**
 * Opens an append-only file of checksummed JSON lines, each forced to disk before `append` resolves.
 *
 * A line is `<crc32> [sequence,entry]`. A last line that was cut short by a crash is dropped: nothing was promised on
 * it. A bad line before the last means that the disk lost what had been acknowledged: `JournalCorruptError`.
 *
 * @example
 * const journal = await openJournal<{ type: 'opened'; lease: string }>({ path: '/var/lib/node/journal' })
 * await journal.append({ type: 'opened', lease: '0x01' })
 */
export async function openJournal<Entry>(options: OpenJournalOptions): Promise<Journal<Entry>> {
  const { path, exclusive = false } = options
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  const lock = exclusive ? await takeLock(`${path}.lock`, path) : null
  try {
    return await openLocked<Entry>(path, lock)
  } catch (error) {
    await lock?.release()
    throw error
  }
}

async function openLocked<Entry>(path: string, lock: Lock | null): Promise<Journal<Entry>> {
  await rm(`${path}.new`, { force: true })
  const { lines, end, torn } = parse<Entry>(await readOrEmpty(path), path)

  let file = await open(path, appending, 0o600)
  if (torn > 0) {
    await file.truncate(end)
    await file.sync()
  }
  await syncFolder(dirname(path))

  let size = end
  let length = lines.length
  let sequence = lines.at(-1)?.sequence ?? -1
  let closed = false
  let dirty = false
  let waiting: Waiting[] = []
  let writing: Promise<void> = Promise.resolve()

  /** Takes a failed write back, so that the next one does not follow half a line. */
  async function repair(): Promise<void> {
    if (!dirty) return
    await file.truncate(size)
    dirty = false
  }

  async function flush(): Promise<void> {
    const batch = waiting
    waiting = []
    if (batch.length === 0) return
    try {
      await repair()
      const bytes = Buffer.concat(batch.map((item, index) => encodeLine(sequence + 1 + index, item.json)))
      dirty = true
      await writeAll(file, bytes)
      if (syncOnWrite === 0) await file.datasync()
      dirty = false
      size += bytes.length
      sequence += batch.length
      length += batch.length
      for (const item of batch) item.written()
      for (const item of batch) item.resolve()
    } catch (cause) {
      const error = new JournalWriteError({ path, cause })
      await repair().catch(() => undefined)
      for (const item of batch) item.reject(error)
    }
  }

  function enqueue<T>(work: () => Promise<T>): Promise<T> {
    const next = writing.then(work)
    writing = next.then(
      () => undefined,
      () => undefined,
    )
    return next
  }

  return {
    replayed: lines,
    torn,
    get length() {
      return length
    },
    append(entry, written = () => undefined) {
      if (closed) return Promise.reject(new JournalClosedError({ path }))
      return new Promise<void>((resolve, reject) => {
        waiting.push({ json: JSON.stringify(entry), written, resolve, reject })
        void enqueue(flush)
      })
    },
    compact(makeEntries) {
      if (closed) return Promise.reject(new JournalClosedError({ path }))
      return enqueue(async () => {
        await flush()
        try {
          const entries = makeEntries()
          const bytes = Buffer.concat(
            entries.map((entry, index) => encodeLine(sequence + 1 + index, JSON.stringify(entry))),
          )
          const fresh = await open(`${path}.new`, appending, 0o600)
          try {
            await writeAll(fresh, bytes)
            await fresh.sync()
            await rename(`${path}.new`, path)
          } catch (cause) {
            await fresh.close()
            throw cause
          }
          // From the rename on the new file is the journal, whatever fails below.
          const old = file
          file = fresh
          size = bytes.length
          sequence += entries.length
          length = entries.length
          dirty = false
          await old.close()
          await syncFolder(dirname(path))
        } catch (cause) {
          await rm(`${path}.new`, { force: true }).catch(() => undefined)
          throw new JournalWriteError({ path, cause })
        }
      })
    },
    async close() {
      if (closed) return
      closed = true
      await enqueue(flush)
      await file.close()
      await lock?.release()
    },
  }
}

async function writeAll(file: FileHandle, bytes: Uint8Array): Promise<void> {
  let written = 0
  while (written < bytes.length) {
    const result = await file.write(bytes, written, bytes.length - written, null)
    written += result.bytesWritten
  }
}

async function readOrEmpty(path: string): Promise<Buffer> {
  try {
    return await readFile(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return Buffer.alloc(0)
    throw error
  }
}

/** Makes a new or renamed name in `folder` survive a power cut. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

interface Parsed<Entry> {
  readonly lines: readonly JournalLine<Entry>[]
  /** Where the last good line ends. */
  readonly end: number
  readonly torn: number
}

function parse<Entry>(bytes: Buffer, path: string): Parsed<Entry> {
  const lines: JournalLine<Entry>[] = []
  let start = 0
  while (start < bytes.length) {
    const newline = bytes.indexOf(0x0a, start)
    const stop = newline === -1 ? bytes.length : newline
    const line = newline === -1 ? null : decodeLine<Entry>(bytes.subarray(start, stop))
    const previous = lines.at(-1)
    const follows = line !== null && (previous === undefined || line.sequence === previous.sequence + 1)
    if (line === null || !follows) {
      // One write may hold several lines, and a crash may leave any prefix of it, blocks of zeros included; but it
      // leaves no good line behind the damage.
      if (line !== null || hasGoodLine(bytes, start + 1)) {
        throw new JournalCorruptError({ path, line: lines.length + 1, offset: start })
      }
      return { lines, end: start, torn: bytes.length - start }
    }
    lines.push(line)
    start = stop + 1
  }
  return { lines, end: start, torn: 0 }
}

/** Whether a whole line stands anywhere behind `from`, even where the end of the line before it is damaged. */
function hasGoodLine(bytes: Buffer, from: number): boolean {
  const text = bytes.toString('latin1', from)
  for (const match of text.matchAll(/[0-9a-f]{8} \[\d+,/g)) {
    const start = from + match.index
    const newline = bytes.indexOf(0x0a, start)
    if (newline !== -1 && decodeLine(bytes.subarray(start, newline)) !== null) return true
  }
  return false
}

function decodeLine<Entry>(line: Buffer): JournalLine<Entry> | null {
  if (line.length < 10 || line[8] !== 0x20) return null
  const body = line.subarray(9)
  if (line.toString('latin1', 0, 8) !== crc32(body)) return null
  try {
    const [sequence, entry] = JSON.parse(body.toString('utf8')) as [number, Entry]
    return { sequence, entry }
  } catch {
    return null
  }
}
