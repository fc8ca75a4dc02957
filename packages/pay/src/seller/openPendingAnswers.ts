import { openJournal } from '@millrace/journal'
import type { PaymentRequirements } from '../wire/x402.ts'
import type { Dialect } from './readPayment.ts'

/** An answer that was made for a payment, and is given out once the payment is settled. In the form of its file. */
export interface PendingAnswer {
  /** Names the payment within all schemes. */
  readonly key: string
  /** Of the request; hex. */
  readonly digest: string
  readonly dialect: Dialect
  readonly requirements: PaymentRequirements
  /** What is charged, in base units. */
  readonly amount: string
  readonly status: number
  readonly headers: readonly (readonly [string, string])[]
  /** Base64. */
  readonly body: string
  /** Unix seconds. */
  readonly at: number
}

type Entry =
  | { readonly type: 'made'; readonly answer: PendingAnswer }
  | { readonly type: 'dropped'; readonly key: string }

/** Answers that outlive the process that made them. */
export interface PendingAnswers {
  find(key: string): PendingAnswer | null
  /** Resolves when it is on disk. */
  keep(answer: PendingAnswer): Promise<void>
  /** Nothing was charged for it. */
  drop(key: string): Promise<void>
  close(): Promise<void>
}

export interface PendingAnswersOptions {
  /** File that holds them; it has one user at a time. */
  readonly path: string
  /** For how long an answer can be asked for, in seconds. Default 3600: longer than a chain takes to show a payment. */
  readonly keptSeconds?: number
  /** Unix seconds. Default: the system's clock. */
  readonly now?: () => number
}

/**
 * Opens a file of answers that wait for their payment. An answer is on disk before its payment is settled, so that a buyer whose seller died
 * between settling and answering, or whose payment was pending then, gets by the same payment what it paid for.
 *
 * @param options Where, and for how long.
 * @returns The answers, for `createPaywall`.
 * @throws JournalCorruptError | JournalWriteError | JournalInUseError
 * @example
 * const pending = await openPendingAnswers({ path: 'pending.jsonl' })
 * const paywall = createPaywall({ schemes, pending })
 */
export async function openPendingAnswers(options: PendingAnswersOptions): Promise<PendingAnswers> {
  const { path, keptSeconds = 3600, now = () => Math.floor(Date.now() / 1000) } = options
  const answers = new Map<string, PendingAnswer>()
  const journal = await openJournal<Entry>({
    ...{ path, exclusive: true },
    summary() {
      forgetOld()
      return [...answers.values()].map((answer) => ({ type: 'made', answer }))
    },
  })
  for (const { entry } of journal.replayed) {
    if (entry.type === 'made') answers.set(entry.answer.key, entry.answer)
    else answers.delete(entry.key)
  }

  function forgetOld(): void {
    for (const [key, { at }] of answers) {
      if (now() - at < keptSeconds) return
      answers.delete(key)
    }
  }

  return {
    find(key) {
      forgetOld()
      return answers.get(key) ?? null
    },
    keep: (answer) => journal.append({ type: 'made', answer }, () => answers.set(answer.key, answer)),
    async drop(key) {
      if (!answers.delete(key)) return
      await journal.append({ type: 'dropped', key })
    },
    close: () => journal.close(),
  }
}
