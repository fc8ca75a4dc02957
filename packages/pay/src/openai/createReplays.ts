import type { KeptCall, KeptCalls, OncePayment } from './openKeptCalls.ts'

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

/** What an earlier process began to charge by a payment that is settled once, and did not see through. */
export interface LeftCall {
  readonly once: OncePayment
  /** What was made for it; null where nothing was yet, and the whole price was being charged. */
  readonly made: { readonly answer: KeptAnswer; readonly amount: bigint } | null
}

/**
 * A call that is under way under its idempotency key. Exactly one of `answered`, `charged` and `dropped` is called, once. What resolves is
 * on disk then, where calls are kept through a crash.
 */
export interface OpenCall {
  /** Base units that an earlier try under the same key has paid already. */
  readonly credit: bigint
  /** What is to be seen through before anything is paid anew. */
  readonly left: LeftCall | null
  /** By what was left, or was begun here, nothing was paid. */
  forgetLeft(): void
  /** Money is held that a crash charges: after one a repetition is credited `amount`. */
  held(amount: bigint): Promise<void>
  /** The whole price is about to be charged, before the answer begins. */
  prepaid(once: OncePayment): Promise<void>
  /** The answer is made, and is about to be charged: by `once`, or of what is held. */
  made(
    answer: KeptAnswer,
    charge: { readonly amount: bigint; readonly once: OncePayment | null },
  ): Promise<void>
  /** It was answered completely: a repetition gets the same and pays nothing. */
  answered(answer: KeptAnswer): Promise<void>
  /** It was charged and not answered completely: a repetition is made anew and pays only what exceeds this. */
  charged(amount: bigint): Promise<void>
  /** Nothing was charged. */
  dropped(): void
}

type Entry =
  | { readonly type: 'open' }
  | { readonly type: 'answered'; readonly answer: KeptAnswer }
  | { readonly type: 'charged'; readonly amount: bigint }
  | { readonly type: 'left'; readonly left: LeftCall }

export type Found =
  | { readonly type: 'new'; readonly call: OpenCall }
  | { readonly type: 'open' }
  | { readonly type: 'answered'; readonly answer: KeptAnswer }

/**
 * Remembers calls by key, so that a repetition does not pay twice. What is over the limits is forgotten, oldest first,
 * except calls that are under way.
 *
 * @param now The clock, in milliseconds.
 * @param kept Where calls are kept through a crash; without it they are lost with the process.
 */
export function createReplays(now: () => number, limits: ReplayLimits = {}, kept?: KeptCalls) {
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
  const put = (key: string, entry: Entry, at = now()) => {
    remove(key)
    bytes += sizeOf(entry)
    entries.set(key, { entry, at })
    for (const [old, { entry: known, at: since }] of entries) {
      if (bytes <= maxBytes && entries.size <= maxCalls && now() - since < keptMs) break
      if (known.type !== 'open') remove(old)
    }
  }
  const write = async (key: string, call: KeptCall | null) => kept?.write(key, call)

  for (const [key, call] of kept?.left ?? []) put(key, entryOf(call), call.at)

  function open(key: string, before: { readonly credit: bigint; readonly left: LeftCall | null }): OpenCall {
    const { credit } = before
    let isWritten = false
    let isMade = false
    const note = (call: KeptCall) => {
      isWritten = true
      return write(key, call)
    }
    // `left` is a field and no getter: V8 keeps the pair behind a literal's getter among old objects, and what it sees with it.
    const opened: OpenCall & { left: LeftCall | null } = {
      credit,
      left: before.left,
      forgetLeft() {
        opened.left = null
        // It may stand in the file.
        isWritten = true
      },
      held: (amount) => note({ type: 'held', at: now(), amount: String(credit + amount) }),
      prepaid(once) {
        opened.left = { once, made: null }
        return note({ type: 'prepaid', at: now(), once })
      },
      made(answer, { amount, once }) {
        isMade = true
        if (once !== null) opened.left = { once, made: { answer, amount } }
        return note({ type: 'made', at: now(), amount: String(amount), once, answer: written(answer) })
      },
      async answered(answer) {
        put(key, { type: 'answered', answer })
        await note({ type: 'answered', at: now(), answer: written(answer) })
      },
      async charged(amount) {
        put(key, { type: 'charged', amount: credit + amount })
        // The file has the whole answer, which says more.
        if (!isMade) await note({ type: 'charged', at: now(), amount: String(credit + amount) })
      },
      dropped() {
        const { left } = opened
        if (left !== null) put(key, { type: 'left', left })
        else if (credit > 0n) put(key, { type: 'charged', amount: credit })
        else remove(key)
        // What was not written need not be taken back; and a line that the disk does not take costs the seller, not the buyer.
        if (!isWritten || left !== null) return
        const call = credit > 0n ? ({ type: 'charged', at: now(), amount: String(credit) } as const) : null
        write(key, call).catch(() => undefined)
      },
    }
    return opened
  }

  return {
    begin(key: string): Found {
      const found = entries.get(key)
      const fresh = found !== undefined && (found.entry.type === 'open' || now() - found.at < keptMs)
      const entry = fresh ? found.entry : undefined
      if (entry?.type === 'open') return { type: 'open' }
      if (entry?.type === 'answered') return entry
      const credit = entry?.type === 'charged' ? entry.amount : 0n
      const left = entry?.type === 'left' ? entry.left : null
      put(key, { type: 'open' })
      return { type: 'new', call: open(key, { credit, left }) }
    },
  }
}

export type Replays = ReturnType<typeof createReplays>

const written = ({ status, headers, body }: KeptAnswer) => ({
  ...{ status, headers, body: Buffer.from(body).toString('base64') },
})

/** What an earlier process left, as this one takes it up. */
function entryOf(call: KeptCall): Entry {
  switch (call.type) {
    // The books charged what was held when that process died.
    case 'held':
    case 'charged':
      return { type: 'charged', amount: BigInt(call.amount) }
    case 'prepaid':
      return { type: 'left', left: { once: call.once, made: null } }
    case 'made': {
      const answer = answerOf(call.answer)
      if (call.once === null) return { type: 'answered', answer }
      return { type: 'left', left: { once: call.once, made: { answer, amount: BigInt(call.amount) } } }
    }
    case 'answered':
      return { type: 'answered', answer: answerOf(call.answer) }
    default:
      return call satisfies never
  }
}

const answerOf = ({
  status,
  headers,
  body,
}: {
  status: number
  headers: Readonly<Record<string, string>>
  body: string
}) => ({
  ...{ status, headers, body: Uint8Array.from(Buffer.from(body, 'base64')) },
})
