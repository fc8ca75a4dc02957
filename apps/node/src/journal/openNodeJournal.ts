import { openJournal } from '@millrace/journal'
import type { Entry, NodeState } from './entries.ts'
import { emptyState, reduce } from './reduce.ts'

/** Lines after which the journal is rewritten as one snapshot. */
const COMPACT_AFTER = 2000
/** Room for the longest of the usual lines: a disk that takes only a short one is still full. */
const PROBE_BYTES = 4096

export interface NodeJournal {
  /** The sum of everything noted so far. */
  readonly state: NodeState
  /** Bytes of a torn last line that were dropped at opening. */
  readonly torn: number
  /** Notes `entry` durably, then applies it to `state`. Throws `JournalWriteError`; `state` is then unchanged. */
  note(entry: Entry): Promise<void>
  /** Whether the last note failed: then nothing new may be promised until `writable` says so. */
  readonly failed: boolean
  /** True if lines can be written now. Writes one that changes nothing. */
  writable(): Promise<boolean>
  close(): Promise<void>
}

/** Opens the node's journal and replays it. Throws `JournalCorruptError`. */
export async function openNodeJournal(path: string): Promise<NodeJournal> {
  const journal = await openJournal<Entry>({ path })
  let state = journal.replayed.reduce((sum, line) => reduce(sum, line.entry), emptyState)
  let compacting = false
  let failed = false

  async function compactIfLong(): Promise<void> {
    if (compacting || journal.length < COMPACT_AFTER) return
    compacting = true
    try {
      // Noted in the queue behind every append made so far; `state` is read when its turn comes.
      await journal.compact(() => [{ type: 'snapshot', state }])
    } catch {
      // The old file stays valid; the next entry tries again.
    } finally {
      compacting = false
    }
  }

  return {
    get state() {
      return state
    },
    torn: journal.torn,
    get failed() {
      return failed
    },
    async note(entry) {
      try {
        await journal.append(entry, () => {
          state = reduce(state, entry)
        })
      } catch (error) {
        failed = true
        throw error
      }
      void compactIfLong()
    },
    async writable() {
      try {
        await journal.append({ type: 'probe', padding: ' '.repeat(PROBE_BYTES) })
        failed = false
        return true
      } catch {
        return false
      }
    },
    close: () => journal.close(),
  }
}
