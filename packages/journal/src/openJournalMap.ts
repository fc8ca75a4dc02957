import { openJournal } from './openJournal.ts'

/** Values on disk, each under a name of its own. What `put` has taken survives a crash. */
export interface JournalMap<Value> {
  get(name: string): Value | undefined
  /** All of them, in the order in which they came first. */
  values(): readonly Value[]
  /**
   * Puts a value in the place of the one of its name. Resolves when it is on disk; only then is it what `get` gives.
   *
   * @throws JournalWriteError
   */
  put(value: Value): Promise<void>
  /** Forgets all but those that `keep` names. @throws JournalWriteError */
  prune(keep: (value: Value) => boolean): Promise<void>
  close(): Promise<void>
}

export interface JournalMapOptions<Value> {
  readonly path: string
  readonly nameOf: (value: Value) => string
  /** As in `openJournal`. */
  readonly exclusive?: boolean
}

type Entry<Value> =
  | { readonly type: 'kept'; readonly kept: Value }
  | { readonly type: 'forgotten'; readonly ids: readonly string[] }

const compactAfter = 256

/**
 * Opens a map of JSON values that is kept in a journal. The file is rewritten once most of it is of the past.
 *
 * @throws JournalCorruptError | JournalInUseError
 * @example
 * const orders = await openJournalMap<Order>({ path: '/var/lib/shop/orders', nameOf: ({ id }) => id })
 */
export async function openJournalMap<Value>(options: JournalMapOptions<Value>): Promise<JournalMap<Value>> {
  const { nameOf } = options
  const values = new Map<string, Value>()
  const journal = await openJournal<Entry<Value>>({
    ...{ ...options, compactAfter },
    summary: () => [...values.values()].map((kept) => ({ type: 'kept', kept })),
  })
  const apply = (entry: Entry<Value>) => {
    if (entry.type === 'kept') values.set(nameOf(entry.kept), entry.kept)
    else for (const id of entry.ids) values.delete(id)
  }
  for (const { entry } of journal.replayed) apply(entry)

  const append = (entry: Entry<Value>) => journal.append(entry, () => apply(entry))

  return {
    get: (name) => values.get(name),
    values: () => [...values.values()],
    put: (kept) => append({ type: 'kept', kept }),
    async prune(keep) {
      const ids = [...values].filter(([, value]) => !keep(value)).map(([name]) => name)
      if (ids.length === 0) return
      await append({ type: 'forgotten', ids })
      if (journal.length <= 2 * values.size + compactAfter) return
      // Where that fails the old file stays valid.
      await journal.compact().catch(() => undefined)
    },
    close: () => journal.close(),
  }
}
