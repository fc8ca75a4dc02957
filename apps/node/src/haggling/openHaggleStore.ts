import { openJournalMap } from '@millrace/journal'
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
  const map = await openJournalMap<NodeHaggle>({ path, nameOf: ({ haggle }) => haggle.id })
  return {
    get: async (id) => map.get(id) ?? null,
    put: ({ haggle, startedAt, deal = null }) => map.put({ haggle, startedAt, deal }),
    all: map.values,
    prune: map.prune,
    close: map.close,
  }
}
