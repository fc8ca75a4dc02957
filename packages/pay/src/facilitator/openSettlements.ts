import { type Journal, openJournal } from '@millrace/journal'
import { exactPayloadSchema } from '../exact/authorization.ts'
import type { SettlementEntry, SettlementJournal } from './journal.ts'
import { rememberedFor } from './settlementBook.ts'

export interface OpenSettlementsOptions {
  /** The file; it and its folder are made if they are missing. */
  readonly path: string
  /** Unix seconds. */
  readonly now?: () => number
}

/**
 * Opens a file of settlements, each entry forced to disk before `append` resolves. What failed, and what was settled so
 * long ago that its authorization is over, is dropped.
 *
 * @param options The file, and the time.
 * @returns The journal, with `close`.
 * @throws JournalCorruptError if a line before the last cannot be read; JournalWriteError.
 * @example
 * const journal = await openSettlements({ path: '/var/lib/facilitator/settlements' })
 */
export async function openSettlements(
  options: OpenSettlementsOptions,
): Promise<SettlementJournal & Pick<Journal<SettlementEntry>, 'close'>> {
  const { path, now = () => Math.floor(Date.now() / 1000) } = options
  const journal = await openJournal<SettlementEntry>({ path })
  const entries = journal.replayed.map(({ entry }) => entry)
  const kept = keep(entries, BigInt(now()))
  try {
    if (kept.length < entries.length) await journal.compact(() => kept)
  } catch (error) {
    await journal.close()
    throw error
  }
  return {
    replayed: kept.map((entry) => ({ entry })),
    append: (entry) => journal.append(entry),
    close: () => journal.close(),
  }
}

function keep(entries: readonly SettlementEntry[], now: bigint): readonly SettlementEntry[] {
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
  const { authorization } = exactPayloadSchema.parse(first.payload)
  return authorization.validBefore + rememberedFor <= now
}
