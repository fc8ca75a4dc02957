import type { Hash, Hex } from 'viem'
import type { PaymentRequirements } from '../wire/x402.ts'
import type { RefusalReason } from './settleable.ts'

/** What is written ahead of a settlement, and what became of it. */
export type SettlementEntry =
  | {
      readonly type: 'sent'
      readonly key: string
      /** Of the scheme that the requirements name. */
      readonly payload: Readonly<Record<string, unknown>>
      readonly digest: Hash
      readonly requirements: PaymentRequirements
      /** The signed transaction: sending it once more changes nothing. */
      readonly raw: Hex
      readonly hash: Hash
      /** Block before it was sent: nothing about it is older. */
      readonly block: string
    }
  | {
      /** The same transaction with a higher fee, because it took too long. Written before it is sent. */
      readonly type: 'raised'
      readonly key: string
      readonly raw: Hex
      readonly hash: Hash
    }
  | { readonly type: 'settled'; readonly key: string; readonly hash: Hash }
  | { readonly type: 'failed'; readonly key: string; readonly reason: RefusalReason }

/** Where settlements are written ahead. Any append-only log of entries will do that forces each one to disk. */
export interface SettlementJournal {
  /** What was there at opening, oldest first. */
  readonly replayed: readonly { readonly entry: SettlementEntry }[]
  /**
   * Resolves when the entry survives a crash. A journal that several facilitators share throws `SettlementTakenError` for
   * a settlement that another of them has sent.
   */
  append(entry: SettlementEntry): Promise<void>
  /** What is written of one settlement now, by whichever facilitator; for journals that several share. */
  find?(key: string): Promise<readonly SettlementEntry[]>
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
