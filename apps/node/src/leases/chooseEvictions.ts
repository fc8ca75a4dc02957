import type { Hex } from 'viem'

/** What is kept for one lease after its job. */
export interface KeptFiles {
  readonly lease: Hex
  /** Bytes on the disk. */
  readonly size: number
  /** End of the lease, Unix seconds; `null` while it is not over. */
  readonly endedAt: number | null
  /** Files of a lease that is not settled are never deleted to make room. */
  readonly settled: boolean
  /** The buyer acknowledged the receipt, which its client does after it has fetched the outputs. */
  readonly acknowledged: boolean
}

export interface Room {
  /** Most bytes kept for all leases together. */
  readonly budget: number
  /** Bytes free on the disk. */
  readonly free: number
  /** Bytes that must stay free, or no new work is taken. */
  readonly reserve: number
}

/**
 * Chooses whose files are deleted so that what is kept fits the budget and the reserve stays free: first those whose buyer
 * has come for them, each time the oldest. Pure.
 */
export function chooseEvictions(kept: readonly KeptFiles[], room: Room): readonly Hex[] {
  const total = kept.reduce((sum, { size }) => sum + size, 0)
  let excess = Math.max(total - room.budget, room.reserve - room.free)
  const chosen: Hex[] = []
  const ranked = kept
    .filter(({ settled, size }) => settled && size > 0)
    .sort((a, b) => Number(b.acknowledged) - Number(a.acknowledged) || (a.endedAt ?? 0) - (b.endedAt ?? 0))
  for (const { lease, size } of ranked) {
    if (excess <= 0) break
    chosen.push(lease)
    excess -= size
  }
  return chosen
}
