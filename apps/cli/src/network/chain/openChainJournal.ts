import { z } from 'zod'
import { openJournal } from '../../journal/openJournal.ts'
import { ChainJournalCorruptError, ChainJournalWriteError } from './errors.ts'

const entrySchema = z.object({
  seq: z.number().int().positive(),
  /** Timestamp of the block that this entry makes, in Unix seconds. */
  time: z.number().int().nonnegative(),
  method: z.string(),
  params: z.array(z.unknown()),
  /** Hash of the chain's head before this entry, where it was known when the entry was written. */
  parent: z.string().nullable(),
})

/** One change of the chain. */
export type ChainEntry = z.infer<typeof entrySchema>

/**
 * Opens the list of changes to the local chain. Entries are numbered without gaps.
 *
 * @throws ChainJournalCorruptError if anything but the last line is damaged.
 */
export function openChainJournal(path: string) {
  return openJournal<ChainEntry>({
    path,
    read(json, previous) {
      const parsed = entrySchema.safeParse(json)
      if (!parsed.success) return 'it is not an entry'
      const { seq } = parsed.data
      if (previous !== undefined && seq !== previous.seq + 1)
        return `entry ${seq} follows entry ${previous.seq}`
      return { entry: parsed.data }
    },
    onDamage: (line, reason) => new ChainJournalCorruptError({ path, line, reason }),
    onWriteError: (cause) => new ChainJournalWriteError({ path, cause }),
  })
}
