/** Gives an answer once more. */
export type Again = () => Promise<Response>

export interface AnswerLimits {
  /** How long an answer is kept, in seconds; 600 by default. */
  readonly keptSeconds?: number
  /** Most bytes of all kept answers; 64 MiB by default. */
  readonly maxBytes?: number
  /** Most answers that are kept; 10,000 by default. */
  readonly maxAnswers?: number
}

/** A call that is being answered under a name. */
export interface OpenAnswer {
  /** How to give the answer again, or null if nothing was charged and a repetition is a new call. What counts is the first; null
   * forgets it later as well. */
  finish(again: Again | null, bytes?: number): void
}

export type FoundAnswer =
  | { readonly type: 'new'; readonly answer: OpenAnswer }
  | { readonly type: 'known'; readonly again: Promise<Again | null> }
  | { readonly type: 'conflict' }

interface Entry {
  readonly digest: string
  readonly again: Promise<Again | null>
  readonly at: number
  bytes: number
  open: boolean
}

/**
 * Remembers the answers of paid calls by name, so that a repetition is answered again and not charged again. What is over
 * the limits is forgotten, oldest first, except calls that are under way.
 *
 * @param now The clock, in Unix seconds.
 */
export function createAnswers(now: () => number, limits: AnswerLimits = {}) {
  const { keptSeconds = 600, maxBytes = 64 << 20, maxAnswers = 10_000 } = limits
  const entries = new Map<string, Entry>()
  let bytes = 0

  function remove(key: string): void {
    bytes -= entries.get(key)?.bytes ?? 0
    entries.delete(key)
  }

  function forgetOld(): void {
    for (const [key, entry] of entries) {
      if (bytes <= maxBytes && entries.size <= maxAnswers && now() - entry.at < keptSeconds) return
      if (!entry.open) remove(key)
    }
  }

  return {
    /** Takes a name for a request, unless it is taken. */
    begin(key: string, digest: string): FoundAnswer {
      forgetOld()
      const found = entries.get(key)
      if (found !== undefined)
        return found.digest === digest ? { type: 'known', again: found.again } : { type: 'conflict' }
      const { promise, resolve } = withResolver<Again | null>()
      const entry: Entry = { digest, again: promise, at: now(), bytes: 0, open: true }
      entries.set(key, entry)
      return {
        type: 'new',
        answer: {
          finish(again, size = 0) {
            if (again === null && entries.get(key) === entry) remove(key)
            else if (again !== null && entry.open) {
              entry.bytes = size
              bytes += size
            }
            entry.open = false
            resolve(again)
          },
        },
      }
    },
  }
}

export type Answers = ReturnType<typeof createAnswers>

function withResolver<T>() {
  let resolve: (value: T) => void = () => undefined
  const promise = new Promise<T>((done) => {
    resolve = done
  })
  return { promise, resolve }
}
