import { openJournal } from '@millrace/journal'
import type { PaymentPayload, PaymentRequirements } from '../wire/x402.ts'

/** An answer in the form of the file. */
interface WrittenAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  /** Base64. */
  readonly body: string
}

/** A payment that is settled after the answer, and once however often it is asked. */
export interface OncePayment {
  readonly payment: PaymentPayload
  readonly requirements: PaymentRequirements
}

/** What is known of a call by its key. Amounts in base units, times in Unix milliseconds. */
export type KeptCall =
  /** Money is held, so that a crash charges it: a repetition is credited `amount`. */
  | { readonly type: 'held'; readonly at: number; readonly amount: string }
  /** The whole price is being charged before the answer begins. */
  | { readonly type: 'prepaid'; readonly at: number; readonly once: OncePayment }
  /** The answer is made; `amount` is to be charged, by `once` or of what is held. */
  | {
      readonly type: 'made'
      readonly at: number
      readonly amount: string
      readonly once: OncePayment | null
      readonly answer: WrittenAnswer
    }
  /** The answer is paid; with these headers instead, where there are any. */
  | { readonly type: 'answered'; readonly at: number; readonly answer: WrittenAnswer }
  /** So much was charged in all, and the answer broke off. */
  | { readonly type: 'charged'; readonly at: number; readonly amount: string }

type Entry = { readonly key: string; readonly call: KeptCall | null }

/** Calls that outlive the process that answered them. */
export interface KeptCalls {
  /** What earlier processes left, by key, oldest first. */
  readonly left: ReadonlyMap<string, KeptCall>
  /** Writes what is known of a call, or with null forgets it. Resolves when it is on disk. */
  write(key: string, call: KeptCall | null): Promise<void>
  close(): Promise<void>
}

export interface KeptCallsOptions {
  /** File that holds them; it has one user at a time. */
  readonly path: string
  /** For how long a call can be repeated, in milliseconds. Default an hour. */
  readonly keptMs?: number
  /** Unix milliseconds. Default: the system's clock. */
  readonly now?: () => number
}

/**
 * Opens a file of calls that were made under an idempotency key, for `openAiGateway`. What was paid and answered can be asked for by its key
 * after a crash; what was held for an answer that broke off is credited when it is asked for again.
 *
 * @param options Where, and for how long.
 * @throws JournalCorruptError | JournalWriteError | JournalInUseError
 * @example
 * const kept = await openKeptCalls({ path: 'calls.jsonl' })
 * const gateway = openAiGateway({ upstream, models, schemes, kept })
 */
export async function openKeptCalls(options: KeptCallsOptions): Promise<KeptCalls> {
  const { path, keptMs = 3_600_000, now = Date.now } = options
  const calls = new Map<string, KeptCall>()
  const journal = await openJournal<Entry>({
    ...{ path, exclusive: true },
    summary() {
      forgetOld()
      return [...calls].map(([key, call]) => ({ key, call }))
    },
  })
  const put = (key: string, call: KeptCall | null) => {
    calls.delete(key)
    if (call !== null) calls.set(key, call)
  }
  for (const { entry } of journal.replayed) put(entry.key, entry.call)
  function forgetOld(): void {
    for (const [key, { at }] of calls) {
      if (now() - at < keptMs) return
      calls.delete(key)
    }
  }
  forgetOld()
  const left = new Map(calls)

  return {
    left,
    write: (key, call) => journal.append({ key, call }, () => put(key, call)),
    close: () => journal.close(),
  }
}
