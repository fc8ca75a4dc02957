import type { Hash, Hex } from 'viem'
import type { ExactPayload } from '../exact/authorization.ts'
import type { ExactReason } from '../exact/reasons.ts'
import type { PaymentRequirements } from '../wire/x402.ts'

/** What is written ahead of a settlement, and what became of it. */
export type SettlementEntry =
  | {
      readonly type: 'sent'
      readonly key: string
      readonly payload: ExactPayload
      readonly digest: Hash
      readonly requirements: PaymentRequirements
      /** The signed transaction: sending it once more changes nothing. */
      readonly raw: Hex
      readonly hash: Hash
      /** Block before it was sent: nothing about it is older. */
      readonly block: string
    }
  | { readonly type: 'settled'; readonly key: string; readonly hash: Hash }
  | { readonly type: 'failed'; readonly key: string; readonly reason: ExactReason }

/** Where settlements are written ahead. Any append-only log of entries will do that forces each one to disk. */
export interface SettlementJournal {
  /** What was there at opening, oldest first. */
  readonly replayed: readonly { readonly entry: SettlementEntry }[]
  /** Resolves when the entry survives a crash. */
  append(entry: SettlementEntry): Promise<void>
}

/** A journal that survives no crash, for tests and trials. */
export function memoryJournal(
  replayed: readonly { readonly entry: SettlementEntry }[] = [],
): SettlementJournal & { readonly entries: readonly SettlementEntry[] } {
  const entries: SettlementEntry[] = []
  return {
    replayed,
    entries,
    append(entry) {
      entries.push(entry)
      return Promise.resolve()
    },
  }
}
