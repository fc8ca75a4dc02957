import type { Hash, Hex } from 'viem'
import { type ExactPayload, exactPayloadSchema } from '../exact/authorization.ts'
import type { ExactPayment } from '../exact/verifyExact.ts'
import type { PaymentPayload, PaymentRequirements } from '../wire/x402.ts'
import type { Outcome, SentSettlement } from './findOutcome.ts'
import type { SettlementEntry } from './journal.ts'

/** A settlement and its newest transaction. */
export type Sent = SentSettlement & { readonly raw: Hex }

/** How long a settlement is answered from here, in seconds: a payer may sign for ages, and is not remembered that long. */
export const keptSeconds = 86_400

/** One authorization and what is known about its settlement. */
export interface Settlement {
  readonly key: string
  /** Everything that was signed, and the signature: only the very same payment is answered from here. */
  readonly print: string
  /** Unix seconds, after which it is no longer answered from here. */
  readonly forgetAt: number
  /** Null while nothing was sent. */
  sent: Sent | null
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

/** What a journal says: the settlements that are decided, and those that were sent and are not. */
export function readBook(entries: readonly SettlementEntry[]): {
  readonly settled: readonly { readonly sent: SentEntry; readonly hash: Hash }[]
  readonly open: readonly SentEntry[]
} {
  const sent = new Map<string, SentEntry>()
  const settled = new Map<string, { sent: SentEntry; hash: Hash }>()
  for (const entry of entries) {
    if (entry.type === 'sent') {
      const { key, raw, hash, payload, digest, requirements } = entry
      const payment: ExactPayment = {
        type: 'right',
        signer: 'unknown',
        digest,
        ...exactPayloadSchema.parse(payload),
      }
      const block = BigInt(entry.block)
      sent.set(key, { key, raw, hashes: [hash], payload, payment, requirements, block })
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

export type SentEntry = Sent & { readonly key: string; readonly payload: ExactPayload }
