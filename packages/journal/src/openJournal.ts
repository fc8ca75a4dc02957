import type { FileHandle } from 'node:fs/promises'
import { constants, mkdir, open, readFile, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { JournalClosedError, JournalWriteError } from './errors.ts'
import { encodeLine, parseLines, type ReplayedEntry } from './lines.ts'
import { type Lock, takeLock } from './takeLock.ts'

interface Waiting {
  readonly json: string
  readonly written: () => void
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

export interface OpenJournalOptions<Entry> {
  /** File that holds the journal; its folder is made if it is missing. It has one writer at a time. */
  readonly path: string
  /**
   * Refuses to open it while another process, or another part of this one, has it open so. Default `false`: the caller
   * sees to it by a lock of its own.
   */
  readonly exclusive?: boolean
  /**
   * What the entries that are written come to, in fewer. With it the file is rewritten whenever it has grown past
   * `compactAfter` entries and to twice what it had after the last time, beside the appends and in the way of none.
   * A list is taken as it stands when it is given. What is drawn instead (a generator) is taken bit by bit while
   * entries are appended: what it gives must be right with all of those replayed behind it.
   */
  readonly summary?: () => Iterable<Entry>
  /** Default 1000. */
  readonly compactAfter?: number
}

export interface Journal<Entry> {
  /** What was on disk when the journal was opened, oldest first. */
  readonly replayed: readonly ReplayedEntry<Entry>[]
  /** Bytes of a torn last line that were dropped at opening; 0 after a clean end. */
  readonly torn: number
  /** Entries now in the file. */
  readonly length: number
  /**
   * Resolves when `entry` is on disk. Entries are written in the order of the calls; those that arrive while a write
   * is under way share the next one. `written` is called once it is there, in the same order, before anything else
   * is written. Throws `JournalWriteError` if the disk does not take it; the file is then as before.
   */
  append(entry: Entry, written?: () => void): Promise<void>
  /**
   * Rewrites the file now as its `summary`, and what is appended meanwhile behind it; where that is under way already,
   * waits for it. Without a `summary` it does nothing. Atomic: after a crash either the old or the new file is there.
   * Throws `JournalWriteError` if the disk does not take it; the old file then goes on.
   */
  compact(): Promise<void>
  /** Waits for what was appended and closes the file. */
  close(): Promise<void>
}

/**
 * On Linux a write to a file that is opened so returns once its bytes, and the file's new length, are on disk: the same as
 * `fdatasync` after it, in one call instead of two. Elsewhere it promises less, and `fdatasync` follows.
 *
 * @see https://man7.org/linux/man-pages/man2/open.2.html
 */
const syncOnWrite = process.platform === 'linux' ? constants.O_DSYNC : 0
const appending = constants.O_APPEND | constants.O_CREAT | constants.O_RDWR | syncOnWrite

/** Bytes of a rewritten file that are made and written at once: about a millisecond in which nothing else is done. */
const sliceBytes = 65_536
/** Entries, come while the file was rewritten, that are few enough for appends to wait until they are taken over. */
const fewEntries = 64

/**
 * Opens an append-only file of checksummed JSON lines, each forced to disk before `append` resolves.
 *
 * A line is what one write brought, `<crc32> [sequence,entry,…]`: the first entry's number, and the entries. A crash may
 * leave any of the sectors of a write undone. Since it is one line, it is then a bad one with nothing good behind it,
 * and is dropped: nothing was promised on it. A bad line before the last means that the disk lost what had been
 * acknowledged: `JournalCorruptError`.
 *
 * @throws JournalCorruptError | JournalInUseError
 * @example
 * const journal = await openJournal<{ type: 'opened'; lease: string }>({ path: '/var/lib/node/journal' })
 * await journal.append({ type: 'opened', lease: '0x01' })
 */
export async function openJournal<Entry>(options: OpenJournalOptions<Entry>): Promise<Journal<Entry>> {
  const { path, exclusive = false } = options
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  const lock = exclusive ? await takeLock(`${path}.lock`, path) : null
  try {
    return await openLocked<Entry>(options, lock)
  } catch (error) {
    await lock?.release()
    throw error
  }
}

async function openLocked<Entry>(
  { path, summary, compactAfter = 1_000 }: OpenJournalOptions<Entry>,
  lock: Lock | null,
): Promise<Journal<Entry>> {
  await rm(`${path}.new`, { force: true })
  const { entries: replayed, end, torn } = parseLines<Entry>(await readOrEmpty(path), path)

  let file = await open(path, appending, 0o600)
  if (torn > 0) {
    await file.truncate(end)
    await file.sync()
  }
  await syncFolder(dirname(path))

  /** Where the last line ends. */
  let size = end
  let length = replayed.length
  let sequence = replayed.at(-1)?.sequence ?? -1
  let closed = false
  /** Half a line may stand behind `size`. */
  let dirty = false
  /** The name may still lead to the file before, after a power cut. */
  let unnamed = false
  let waiting: Waiting[] = []
  let writing: Promise<void> = Promise.resolve()
  let compactAt = summary === undefined ? Number.POSITIVE_INFINITY : compactAfter
  let compacting: Promise<void> | null = null
  /** Entries that were written since a rewrite began, for the new file to take over; `null` where none is under way. */
  let since: string[] | null = null

  /** Takes a failed write back, so that the next one does not follow half a line, or stand in a file without a name. */
  async function repair(): Promise<void> {
    if (unnamed) await syncFolder(dirname(path))
    unnamed = false
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
      const line = encodeLine(
        sequence + 1,
        batch.map(({ json }) => json),
      )
      dirty = true
      await writeAll(file, line)
      if (syncOnWrite === 0) await file.datasync()
      dirty = false
      size += line.length
      sequence += batch.length
      length += batch.length
      // In one step with `written`: a rewrite that begins has an entry either in its summary or in what came since.
      for (const { json, written } of batch) {
        since?.push(json)
        written()
      }
      for (const item of batch) item.resolve()
      if (length > compactAt) compact().catch(() => undefined)
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

  async function rewrite(jsons: Iterable<string>): Promise<void> {
    const first = sequence + 1
    const fresh = await open(`${path}.new`, appending | constants.O_TRUNC, 0o600)
    let bytes = 0
    let entries = 0
    const put = async (slice: readonly string[]) => {
      if (slice.length === 0) return
      const line = encodeLine(first + entries, slice)
      await writeAll(fresh, line)
      bytes += line.length
      entries += slice.length
    }
    const takeOver = async () => {
      const came = since ?? []
      since = []
      await put(came)
    }
    let renamed = false
    try {
      for (const slice of slicesOf(jsons, sliceBytes)) await put(slice)
      while (since !== null && since.length > fewEntries) await takeOver()
      await fresh.sync()
      await enqueue(async () => {
        await takeOver()
        if (syncOnWrite === 0) await fresh.datasync()
        await rename(`${path}.new`, path)
        // From here on the new file is the journal, whatever fails below.
        renamed = true
        const old = file
        file = fresh
        size = bytes
        sequence = first + entries - 1
        length = entries
        dirty = false
        unnamed = true
        since = null
        await old.close()
        await repair()
      })
    } catch (cause) {
      if (!renamed) {
        await fresh.close().catch(() => undefined)
        await rm(`${path}.new`, { force: true }).catch(() => undefined)
      }
      throw cause
    }
  }

  function compact(): Promise<void> {
    if (closed) return Promise.reject(new JournalClosedError({ path }))
    if (summary === undefined) return Promise.resolve()
    if (compacting !== null) return compacting
    const jsons = jsonsOf(summary())
    since = []
    compacting = rewrite(jsons)
      .catch((cause) => {
        throw new JournalWriteError({ path, cause })
      })
      .finally(() => {
        since = null
        compacting = null
        // Where it failed, too: a full disk is not tried with every entry.
        compactAt = Math.max(compactAfter, 2 * length)
      })
    return compacting
  }

  return {
    replayed,
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
    compact,
    async close() {
      if (closed) return
      closed = true
      await compacting?.catch(() => undefined)
      await enqueue(flush)
      await file.close()
      await lock?.release()
    },
  }
}

function jsonsOf<Entry>(entries: Iterable<Entry>): Iterable<string> {
  return Array.isArray(entries) ? entries.map((entry) => JSON.stringify(entry)) : drawJsons(entries)
}

function* drawJsons(entries: Iterable<unknown>): Generator<string> {
  for (const entry of entries) yield JSON.stringify(entry)
}

function* slicesOf(jsons: Iterable<string>, atLeast: number): Generator<string[]> {
  let slice: string[] = []
  let length = 0
  for (const json of jsons) {
    slice.push(json)
    length += json.length
    if (length < atLeast) continue
    yield slice
    slice = []
    length = 0
  }
  yield slice
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
