import { randomUUID } from 'node:crypto'
import { openJournal } from '@millrace/journal'
import type { Hash } from 'viem'

/** A paid call that is under way. */
export interface PaidCall {
  /** Names the call to the seller: the same call again, by this key, is answered again and not charged again. */
  readonly key: string
  /** Whether an earlier process began it and did not see its answer. */
  readonly isResumed: boolean
  /** The answer was given out. */
  end(): Promise<void>
}

/** The paid calls of a wallet whose answers nobody has seen. */
export interface PaidCalls {
  /** Begins a call, or takes up the same one where it was left. On disk when it resolves. */
  begin(digest: Hash): Promise<PaidCall>
  close(): Promise<void>
}

type Entry =
  | { readonly type: 'begun'; readonly digest: Hash; readonly key: string; readonly at: number }
  | { readonly type: 'ended'; readonly digest: Hash }

/** Seconds for which a call can be taken up: sellers keep no answer longer. */
const keptSeconds = 3600

/**
 * Opens the file of calls that are under way. A command that dies between its payment and the answer leaves its call here; the same
 * command again asks by the same key, and a seller that knows keys gives the answer that was paid for.
 *
 * @throws JournalCorruptError | JournalWriteError | JournalInUseError
 */
export async function openCalls(path: string): Promise<PaidCalls> {
  const open = new Map<Hash, Entry & { readonly type: 'begun' }>()
  const journal = await openJournal<Entry>({
    ...{ path, exclusive: true },
    summary: () => [...open.values()].filter((each) => clock() - each.at < keptSeconds),
  })
  for (const { entry } of journal.replayed) {
    if (entry.type === 'begun') open.set(entry.digest, entry)
    else open.delete(entry.digest)
  }
  const clock = () => Math.floor(Date.now() / 1000)

  return {
    async begin(digest) {
      const at = clock()
      const left = open.get(digest)
      const isResumed = left !== undefined && at - left.at < keptSeconds
      const call = isResumed ? left : { type: 'begun' as const, digest, key: randomUUID(), at }
      if (!isResumed) await journal.append(call, () => open.set(digest, call))
      return {
        ...{ key: call.key, isResumed },
        end: () => journal.append({ type: 'ended', digest }, () => open.delete(digest)),
      }
    },
    close: () => journal.close(),
  }
}
