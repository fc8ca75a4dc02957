import { openJournal } from '@millrace/journal'
import type { Hash } from 'viem'

/** A payer's channels as they are known, and the file in which they are. */
export interface Owns<own extends { readonly id: Hash }> {
  /** The channel of an id: known, or loaded once however many ask. One that cannot be loaded is asked for again. */
  get(id: Hash, load: () => Promise<own>): Promise<own>
  /** Those that were used since the start. */
  all(): readonly own[]
  /** Resolves when what is known of a channel is on disk. */
  note(own: own): Promise<void>
  close(): Promise<void>
}

const compactAfter = 5_000

/**
 * Opens the file of a payer's channels.
 *
 * @param options The file, which has one user at a time; how an entry is read, named and written.
 * @returns The channels, and what the file says of one that was not used since.
 * @throws JournalCorruptError | JournalWriteError | JournalInUseError
 */
export async function openOwns<own extends known & { readonly id: Hash }, known, entry>(options: {
  readonly path: string
  readonly read: (entry: entry) => known
  readonly idOf: (known: known) => Hash
  readonly write: (known: known) => entry
}): Promise<Owns<own> & { before(id: Hash): known | undefined }> {
  const { path, read, idOf, write } = options
  const kept = new Map<Hash, known>()
  const owns = new Map<Hash, Promise<own>>()
  const opened = new Map<Hash, own>()
  const journal = await openJournal<entry>({
    ...{ path, exclusive: true, compactAfter },
    summary() {
      // Those that were not used since the start are kept as they were.
      const idle = [...kept].flatMap(([id, known]) => (opened.has(id) ? [] : [known]))
      return [...idle, ...opened.values()].map(write)
    },
  })
  for (const { entry } of journal.replayed) {
    const known = read(entry)
    kept.set(idOf(known), known)
  }

  return {
    before: (id) => kept.get(id),
    get(id, load) {
      const known = owns.get(id)
      if (known !== undefined) return known
      const loading = load().then((own) => {
        opened.set(id, own)
        return own
      })
      owns.set(id, loading)
      loading.catch(() => owns.delete(id))
      return loading
    },
    all: () => [...opened.values()],
    note: (own) => journal.append(write(own)),
    close: () => journal.close(),
  }
}
