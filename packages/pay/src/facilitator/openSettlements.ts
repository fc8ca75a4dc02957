import { type Journal, openJournal } from '@millrace/journal'
import { identify } from './identify.ts'
import type { SettlementEntry, SettlementJournal } from './journal.ts'
import { keptSeconds } from './settlementBook.ts'

/**
 * Opens a file of settlements, each entry forced to disk before `append` resolves. What failed, and what was settled so
 * long ago that its authorization is over, is dropped.
 *
 * @param path The file; made if it is missing, with its folder.
 * @param options `now` in Unix seconds.
 * @returns The journal, for `openFacilitator`. Close it after the facilitator.
 * @throws JournalCorruptError if a line before the last cannot be read; JournalInUseError, JournalWriteError.
 * @example
 * const journal = await openSettlements('/var/lib/facilitator/settlements')
 */
export async function openSettlements(
  path: string,
  options: { readonly now?: () => number } = {},
): Promise<SettlementJournal & Pick<Journal<SettlementEntry>, 'close'>> {
  const { now = () => Math.floor(Date.now() / 1000) } = options
  let entries: SettlementEntry[] = []
  const journal = await openJournal<SettlementEntry>({
    ...{ path, exclusive: true },
    summary() {
      entries = keep(entries, BigInt(now()))
      return entries
    },
  })
  for (const { entry } of journal.replayed) entries.push(entry)
  const kept = keep(entries, BigInt(now()))
  try {
    if (kept.length < entries.length) await journal.compact()
  } catch (error) {
    await journal.close()
    throw error
  }
  return {
    replayed: kept.map((entry) => ({ entry })),
    append: (entry) => journal.append(entry, () => entries.push(entry)),
    close: () => journal.close(),
  }
}

function keep(entries: readonly SettlementEntry[], now: bigint): SettlementEntry[] {
  const lives = new Map<string, SettlementEntry[]>()
  for (const entry of entries) {
    if (entry.type === 'sent') lives.set(entry.key, [entry])
    else if (entry.type === 'failed') lives.delete(entry.key)
    else lives.get(entry.key)?.push(entry)
  }
  return [...lives.values()].filter((life) => !isOver(life, now)).flat()
}

function isOver(life: readonly SettlementEntry[], now: bigint): boolean {
  const [first] = life
  if (first?.type !== 'sent' || life.at(-1)?.type !== 'settled') return false
  const identity = identify(first.requirements, first.payload)
  return identity !== null && identity.until + BigInt(keptSeconds) <= now
}
