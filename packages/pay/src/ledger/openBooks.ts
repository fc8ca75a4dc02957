import { openJournal } from '@millrace/journal'
import type { Hash } from 'viem'

/** Books by channel, and the file in which they are. */
export interface Books<book extends { readonly id: Hash }> {
  get(id: Hash): book | undefined
  /** In place of the one that was there. It is written with the next flush. */
  set(book: book): void
  delete(book: book): void
  all(): readonly book[]
  /** Marks a book to be written, if it is not replaced by then. */
  mark(book: book): void
  /** Resolves when every change up to this call is on disk; calls that come together share one write. */
  flush(): Promise<void>
  /** Whether the disk did not take what was written last. */
  failing(): boolean
  /** Writes within a moment, for what no one waits for. */
  flushSoon(): void
  close(): Promise<void>
}

/** Milliseconds until what no one waits for is written. */
const flushSoonMs = 50
const compactAfter = 20_000

/**
 * Opens a payee's books: what changes is written in groups, ahead of what is served for it.
 *
 * @param options The file, which has one user at a time, and how a book is read from it and written to it.
 * @throws JournalCorruptError | JournalWriteError | JournalInUseError
 */
export async function openBooks<book extends { readonly id: Hash }, entry>(options: {
  readonly path: string
  readonly read: (entry: entry) => book
  readonly write: (book: book) => entry
}): Promise<Books<book>> {
  const { path, read, write } = options
  const books = new Map<Hash, book>()
  const journal = await openJournal<readonly entry[]>({
    ...{ path, exclusive: true, compactAfter },
    // An entry holds all of a book, so the last one counts, however much later than its summary.
    *summary() {
      for (const each of books.values()) yield [write(each)]
    },
  })
  for (const { entry } of journal.replayed)
    for (const line of entry) {
      const known = read(line)
      books.set(known.id, known)
    }
  const dirty = new Set<book>()
  let flushing: Promise<void> | null = null
  let next: Promise<void> | null = null
  let soon: NodeJS.Timeout | null = null
  let isFailing = false

  async function append(): Promise<void> {
    // A book that was replaced is not written: its line would bury that of the next.
    const changed = [...dirty].filter((each) => books.get(each.id) === each)
    dirty.clear()
    if (changed.length === 0) return
    try {
      await journal.append(changed.map(write))
      isFailing = false
    } catch (error) {
      isFailing = true
      for (const each of changed) dirty.add(each)
      throw error
    }
  }

  function flush(): Promise<void> {
    if (flushing === null) {
      const now = append()
      flushing = now
      const done = () => {
        flushing = null
      }
      now.then(done, done)
      return now
    }
    // Changes made since the write under way began go with the next one, all together.
    next ??= flushing
      .catch(() => {})
      .then(() => {
        next = null
        return flush()
      })
    return next
  }

  return {
    get: (id) => books.get(id),
    set(book) {
      books.set(book.id, book)
      dirty.add(book)
    },
    delete(book) {
      if (books.get(book.id) === book) books.delete(book.id)
      dirty.delete(book)
    },
    all: () => [...books.values()],
    mark: (book) => void dirty.add(book),
    flush,
    failing: () => isFailing,
    flushSoon() {
      soon ??= setTimeout(() => {
        soon = null
        flush().catch(() => {})
      }, flushSoonMs)
    },
    async close() {
      if (soon !== null) clearTimeout(soon)
      await flush().catch(() => {})
      await journal.compact().catch(() => {})
      await journal.close()
    },
  }
}
