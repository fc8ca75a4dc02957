import type { Hash, Hex } from 'viem'
import type { PaymentRequirements } from '../wire/x402.ts'
import type { Outcome, SentSettlement } from './findOutcome.ts'
import type { SettlementEntry } from './journal.ts'
import type { SettlementSchemes } from './settleable.ts'

/** A settlement, what was asked for, and its newest transaction. */
export type Sent = SentSettlement & { readonly requirements: PaymentRequirements; readonly raw: Hex }

/** How long a settlement is answered from here, in seconds: a payer may sign for ages, and is not remembered that long. */
export const keptSeconds = 86_400

/** One authorization and what is known about its settlement. */
export interface Settlement {
  readonly key: string
  /** Only the very same payment is answered from here. */
  readonly print: string
  /** Unix seconds, after which it is no longer answered from here. */
  readonly forgetAt: number
  /** Null while nothing was sent. */
  sent: Sent | null
  outcome: Promise<Outcome>
  /** The hash once it is settled. */
  settled: Hash | null
}

export type SentEntry = Sent & {
  readonly key: string
  readonly payload: Readonly<Record<string, unknown>>
}

/** What a journal says: the settlements that are decided, and those that were sent and are not. */
export function readBook(
  entries: readonly SettlementEntry[],
  schemes: SettlementSchemes,
): {
  readonly settled: readonly { readonly sent: SentEntry; readonly hash: Hash }[]
  readonly open: readonly SentEntry[]
} {
  const sent = new Map<string, SentEntry>()
  const settled = new Map<string, { sent: SentEntry; hash: Hash }>()
  for (const entry of entries) {
    if (entry.type === 'sent') {
      const { key, raw, hash, payload, digest, requirements } = entry
      const scheme = schemes.get(requirements.scheme)
      if (scheme === undefined) continue
      const payment = scheme.restore({ payload, requirements, digest })
      const reasons = payment.reasons ?? scheme.reasons
      const block = BigInt(entry.block)
      sent.set(key, { key, raw, hashes: [hash], payload, payment, reasons, requirements, block })
      continue
    }
    const before = sent.get(entry.key)
    if (before === undefined) continue
    if (entry.type === 'raised') {
      sent.set(entry.key, { ...before, raw: entry.raw, hashes: [...before.hashes, entry.hash] })
      continue
    }
    sent.delete(entry.key)
    if (entry.type === 'settled') settled.set(entry.key, { sent: before, hash: entry.hash })
  }
  return { settled: [...settled.values()], open: [...sent.values()] }
}
