import type { Hash } from 'viem'
import { type ExactPayload, exactPayloadSchema } from '../exact/authorization.ts'
import type { ExactPayment } from '../exact/verifyExact.ts'
import type { PaymentPayload, PaymentRequirements } from '../wire/x402.ts'
import type { Outcome, SentSettlement } from './findOutcome.ts'
import type { SettlementJournal } from './journal.ts'

/** One authorization and what is known about its settlement. */
export interface Settlement {
  readonly key: string
  /** Everything that was signed, and the signature: only the very same payment is answered from here. */
  readonly print: string
  /** Unix seconds, after which it is no longer answered from here. */
  readonly forgetAt: number
  /** Null while nothing was sent. */
  sent: (SentSettlement & { readonly raw: `0x${string}` }) | null
  outcome: Promise<Outcome>
  /** The hash once it is settled. */
  settled: Hash | null
}

/** A token remembers a nonce of a payer for ever, so this names an authorization for ever. */
export const keyOf = (requirements: PaymentRequirements, payload: ExactPayload): string =>
  `${requirements.network} ${requirements.asset} ${payload.authorization.from} ${payload.authorization.nonce}`.toLowerCase()

export function printOf(
  requirements: PaymentRequirements,
  { authorization, signature }: ExactPayload,
): string {
  const { from, to, value, validAfter, validBefore, nonce } = authorization
  const signed = [from, to, value, validAfter, validBefore, nonce, signature]
  return [...signed, requirements.payTo, requirements.amount, requirements.asset].join(' ').toLowerCase()
}

/** Payload of a payment in its outer form, null if it is none by `exact`. */
export function payloadOf(payment: PaymentPayload): ExactPayload | null {
  const payload = payment.payload as ExactPayload
  return exactPayloadSchema.safeParse(payload).success ? payload : null
}

/** What a journal says at opening: the settlements that are decided, and those that were sent and are not. */
export function readBook(journal: SettlementJournal): {
  readonly settled: ReadonlyMap<string, { readonly sent: SentEntry; readonly hash: Hash }>
  readonly open: readonly SentEntry[]
} {
  const sent = new Map<string, SentEntry>()
  const settled = new Map<string, { sent: SentEntry; hash: Hash }>()
  for (const { entry } of journal.replayed) {
    if (entry.type === 'sent') {
      const payload = exactPayloadSchema.parse(entry.payload)
      const payment: ExactPayment = { type: 'right', signer: 'unknown', digest: entry.digest, ...payload }
      sent.set(entry.key, { ...entry, block: BigInt(entry.block), payment })
      continue
    }
    const before = sent.get(entry.key)
    sent.delete(entry.key)
    if (before !== undefined && entry.type === 'settled')
      settled.set(entry.key, { sent: before, hash: entry.hash })
  }
  return { settled, open: [...sent.values()] }
}

export type SentEntry = SentSettlement & {
  readonly key: string
  readonly raw: `0x${string}`
  readonly payload: ExactPayload
}

/** How long a settlement is answered from here, in seconds: a payer may sign for ages, and is not remembered that long. */
export const keptSeconds = 86_400
