/** An answer that is kept for a repetition of its call. */
export interface KeptAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array<ArrayBuffer>
}

export interface ReplayLimits {
  /** How long an answer is kept, in milliseconds; 10 minutes by default. */
  readonly keptMs?: number
  /** Most bytes of all kept answers; 64 MiB by default. */
  readonly maxBytes?: number
  /** Most calls that are remembered; 10,000 by default. */
  readonly maxCalls?: number
}

/** A call that is under way under its idempotency key. Exactly one of the three is called, once. */
export interface OpenCall {
  /** Base units that an earlier try under the same key has paid already. */
  readonly credit: bigint
  /** It was answered completely: a repetition gets the same and pays nothing. */
  answered(answer: KeptAnswer): void
  /** It was charged and not answered completely: a repetition is made anew and pays only what exceeds this. */
  charged(amount: bigint): void
  /** Nothing was charged. */
  dropped(): void
}

type Entry =
  | { readonly type: 'open' }
  | { readonly type: 'answered'; readonly answer: KeptAnswer }
  | { readonly type: 'charged'; readonly amount: bigint }

export type Found =
  | { readonly type: 'new'; readonly call: OpenCall }
  | { readonly type: 'open' }
  | { readonly type: 'answered'; readonly answer: KeptAnswer }

/**
 * Remembers calls by key, so that a repetition does not pay twice. What is over the limits is forgotten, oldest first,
 * except calls that are under way.
 *
 * @param now The clock, in milliseconds.
 */
export function createReplays(now: () => number, limits: ReplayLimits = {}) {
  const { keptMs = 600_000, maxBytes = 64 << 20, maxCalls = 10_000 } = limits
  const entries = new Map<string, { readonly entry: Entry; readonly at: number }>()
  let bytes = 0

  const sizeOf = (entry: Entry) => (entry.type === 'answered' ? entry.answer.body.length : 0)
  const remove = (key: string) => {
    const found = entries.get(key)
    if (found === undefined) return
    bytes -= sizeOf(found.entry)
    entries.delete(key)
  }
  const put = (key: string, entry: Entry) => {
    remove(key)
    bytes += sizeOf(entry)
    entries.set(key, { entry, at: now() })
    for (const [old, { entry: kept, at }] of entries) {
      if (bytes <= maxBytes && entries.size <= maxCalls && now() - at < keptMs) break
      if (kept.type !== 'open') remove(old)
    }
  }

  return {
    begin(key: string): Found {
      const found = entries.get(key)
      const fresh = found !== undefined && (found.entry.type === 'open' || now() - found.at < keptMs)
      const entry = fresh ? found.entry : undefined
      if (entry?.type === 'open') return { type: 'open' }
      if (entry?.type === 'answered') return entry
      const credit = entry?.amount ?? 0n
      put(key, { type: 'open' })
      return {
        type: 'new',
        call: {
          credit,
          answered: (answer) => put(key, { type: 'answered', answer }),
          charged: (amount) => put(key, { type: 'charged', amount: credit + amount }),
          dropped: () => (credit > 0n ? put(key, { type: 'charged', amount: credit }) : remove(key)),
        },
      }
    },
  }
}

export type Replays = ReturnType<typeof createReplays>
