import { openJournal } from '@millrace/journal'
import type { HaggleStore, KeptHaggle, PublishedOfferJson } from '@millrace/sdk'
import type { Hash } from 'viem'

/** A haggle as a node keeps it: with the offer that carries out the agreement, once there is one. */
export interface NodeHaggle extends KeptHaggle {
  readonly deal: { readonly slot: number; readonly published: PublishedOfferJson } | null
}

/** The haggles of a node, on disk. What `put` has taken survives a crash. */
export interface NodeHaggleStore extends HaggleStore {
  readonly get: (id: Hash) => Promise<NodeHaggle | null>
  readonly put: (kept: KeptHaggle & Partial<NodeHaggle>) => Promise<void>
  /** Haggles that are kept now. */
  readonly all: () => readonly NodeHaggle[]
  /** Forgets all but those that `keep` names. */
  readonly prune: (keep: (kept: NodeHaggle) => boolean) => Promise<void>
  readonly close: () => Promise<void>
}

type Entry =
  | { readonly type: 'kept'; readonly kept: NodeHaggle }
  | { readonly type: 'forgotten'; readonly ids: readonly Hash[] }

/** Lines beyond twice what is kept after which the file is rewritten. */
const SLACK = 256

/**
 * Opens the store of a node's haggles. An answer leaves only after the haggle was put here, so that a node that was
 * killed gives the same answer again instead of signing a second one, which would prove equivocation.
 *
 * @param path Its file; made if it is missing.
 * @throws JournalCorruptError; later JournalWriteError
 * @example
 * const store = await openHaggleStore('/srv/millrace/node/haggles.jsonl')
 */
export async function openHaggleStore(path: string): Promise<NodeHaggleStore> {
  const journal = await openJournal<Entry>({ path })
  const haggles = new Map<Hash, NodeHaggle>()
  const apply = (entry: Entry) => {
    if (entry.type === 'kept') haggles.set(entry.kept.haggle.id, entry.kept)
    else for (const id of entry.ids) haggles.delete(id)
  }
  for (const { entry } of journal.replayed) apply(entry)

  const append = (entry: Entry) => journal.append(entry, () => apply(entry))
  async function compactIfLong(): Promise<void> {
    if (journal.length <= 2 * haggles.size + SLACK) return
    // Where that fails the old file stays valid.
    await journal
      .compact(() => [...haggles.values()].map((kept) => ({ type: 'kept', kept })))
      .catch(() => undefined)
  }

  return {
    get: async (id) => haggles.get(id) ?? null,
    async put({ haggle, startedAt, deal = null }) {
      await append({ type: 'kept', kept: { haggle, startedAt, deal } })
      await compactIfLong()
    },
    all: () => [...haggles.values()],
    async prune(keep) {
      const ids = [...haggles.values()].filter((kept) => !keep(kept)).map(({ haggle }) => haggle.id)
      if (ids.length === 0) return
      await append({ type: 'forgotten', ids })
      await compactIfLong()
    },
    close: () => journal.close(),
  }
}
