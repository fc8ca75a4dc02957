import type { Hash } from 'viem'
import { parse } from '../border/parse.ts'
import { InvalidInputError } from '../errors/border.ts'
import { HaggleForeignError } from '../errors/haggling.ts'
import { MillraceError } from '../errors/MillraceError.ts'
import { answerHaggle, type HaggleSideOptions } from './haggle.ts'
import { haggleMessageSchema } from './message.ts'
import type { HaggleCall } from './terms.ts'
import type { Haggle } from './transcript.ts'

/** A haggle that a seller keeps between two messages. */
export interface KeptHaggle {
  readonly haggle: Haggle
  /** Unix seconds. */
  readonly startedAt: number
}

/** Where a seller keeps its haggles: `put` must have stored when it resolves. */
export interface HaggleStore {
  readonly get: (id: Hash) => Promise<KeptHaggle | null>
  readonly put: (kept: KeptHaggle) => Promise<void>
}

/** What a seller that answers over HTTP needs. */
export interface HandleHaggleOptions
  extends Omit<HaggleSideOptions, 'strategy' | 'reservation' | 'quantity'> {
  readonly store: HaggleStore
  /** Decides for a call how to haggle; throw to refuse it (wrong seller, nothing of the kind for sale). */
  readonly plan: (
    call: HaggleCall,
  ) => Promise<Pick<HaggleSideOptions, 'strategy' | 'reservation' | 'quantity'>>
}

/** Longest message in characters: the longest valid one is under 6 000. */
const maxCharacters = 16_384

/**
 * Makes a handler of `POST /haggle` for a seller: one message in, `{ answer }` out. Messages of one haggle are taken one
 * after the other, each stored before it is answered.
 *
 * @param options Key, clock, store, and the plan for each call.
 * @returns A function from a web request to its response; 400 with `{ error: { code, message } }` for a faulty message.
 * @throws What is no `MillraceError`: a store that fails, for example.
 * @example
 * const handle = handleHaggle({ ...domain, signer, now: () => 1_790_000_000, store, plan })
 */
export function handleHaggle(options: HandleHaggleOptions): (request: Request) => Promise<Response> {
  const running = new Map<Hash, Promise<unknown>>()
  const inTurn = async <value>(id: Hash, work: () => Promise<value>): Promise<value> => {
    const before = running.get(id) ?? Promise.resolve()
    const mine = before.then(work, work)
    running.set(id, mine)
    try {
      return await mine
    } finally {
      if (running.get(id) === mine) running.delete(id)
    }
  }
  return async (request) => {
    try {
      const message = parse(haggleMessageSchema, await readJson(request), 'haggle message')
      const answer = await inTurn(message.haggle, async () => {
        const kept = await options.store.get(message.haggle)
        const call = kept?.haggle.call ?? (message.act === 'call' ? message.call : null)
        if (call === null) throw new HaggleForeignError({ haggle: message.haggle, wanted: null })
        const startedAt = kept?.startedAt ?? options.now()
        const plan = await options.plan(call)
        const answered = await answerHaggle(kept?.haggle ?? null, message, { ...options, ...plan, startedAt })
        await options.store.put({ haggle: answered.haggle, startedAt })
        return answered.answer
      })
      return Response.json({ answer })
    } catch (error) {
      if (!(error instanceof MillraceError)) throw error
      const { code, message, remedy, retryable } = error
      return Response.json({ error: { code, message, remedy, retryable } }, { status: 400 })
    }
  }
}

async function readJson(request: Request): Promise<unknown> {
  const text = await request.text()
  const refuse = (message: string) => {
    throw new InvalidInputError({ what: 'haggle message', issues: [{ path: '', message }] })
  }
  if (text.length > maxCharacters) refuse(`must have at most ${maxCharacters} characters`)
  try {
    return JSON.parse(text)
  } catch {
    return refuse('must be JSON')
  }
}
