import { toHex } from '../curve/words.ts'
import type { PaymentRequirements } from '../wire/x402.ts'
import type { StreamState } from './meterBody.ts'
import type { SellerScheme } from './scheme.ts'

/** Header of an answer that is paid while it streams, and of what is sent about it: the name that it has here. */
export const streamHeader = 'Millrace-Stream'

/** An answer that streams, or did. */
export interface PaidStream {
  readonly scheme: SellerScheme
  readonly requirements: PaymentRequirements
  readonly state: () => StreamState
  /** Headers with what was charged and the receipt, once it is over. */
  settled: Headers | null
}

/** How long an answer is known here after it ended, in seconds. */
const keptSeconds = 600
const mostKept = 10_000

/** The answers that stream, by names that only their payers know. */
export function createStreams(now: () => number) {
  const streams = new Map<string, PaidStream>()
  const over: { readonly id: string; readonly at: number }[] = []

  return {
    find: (id: string): PaidStream | undefined => streams.get(id),
    open(stream: PaidStream): string {
      while (over[0] !== undefined && (over[0].at + keptSeconds < now() || over.length > mostKept))
        streams.delete(over.shift()?.id ?? '')
      const id = toHex(crypto.getRandomValues(new Uint8Array(16)))
      streams.set(id, stream)
      return id
    },
    ended(id: string): void {
      over.push({ id, at: now() })
    },
  }
}

export type Streams = ReturnType<typeof createStreams>
