import { openJournal } from '@millrace/journal'
import type { Entry, NodeState } from './entries.ts'
import { emptyState, reduce } from './reduce.ts'

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
  let state = emptyState
  const journal = await openJournal<Entry>({
    path,
    compactAfter: COMPACT_AFTER,
    summary: () => [{ type: 'snapshot', state }],
  })
  for (const { entry } of journal.replayed) state = reduce(state, entry)
  let failed = false

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
