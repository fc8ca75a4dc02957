import { type Journal, openJournal } from '@millrace/journal'
import type { SettlementEntry } from './journal.ts'

/**
 * Opens a file of settlements, each forced to disk before `append` resolves. A last line that a crash cut short is dropped:
 * nothing was sent on it.
 *
 * @param path The file; made if it is missing, with its folder.
 * @returns The journal, for `openFacilitator`. Close it after the facilitator.
 * @throws JournalCorruptError if a line before the last cannot be read; JournalWriteError.
 * @example
 * const journal = await openSettlements('/var/lib/gateway/settlements')
 */
export const openSettlements = (path: string): Promise<Journal<SettlementEntry>> =>
  openJournal<SettlementEntry>({ path })
