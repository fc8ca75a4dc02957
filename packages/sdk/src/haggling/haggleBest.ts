import { agreedTerms, type HaggleOptions, haggle } from './haggle.ts'
import type { HaggleSpeech } from './message.ts'
import type { Haggle } from './transcript.ts'

/** How one buyer haggles with several sellers at once. */
export interface HaggleBestOptions {
  /** One for each seller, in the order in which equal prices are preferred. All prices are in one currency and one unit. */
  readonly haggles: readonly Omit<HaggleOptions, 'reconsider'>[]
  /** Looks at an agreement before the other sellers are let go, whether its offer holds; `false`, or an error, and the next best is taken. */
  readonly confirm?: (haggle: Haggle, index: number) => Promise<boolean>
  /** Milliseconds for which a price that would be accepted waits for what the other sellers say. Default 10 000. */
  readonly patience?: number
}

/** How one of them ended. */
export type HaggleOutcome =
  | { readonly type: 'ended'; readonly haggle: Haggle }
  | { readonly type: 'unconfirmed'; readonly haggle: Haggle }
  | { readonly type: 'failed'; readonly error: unknown }
  /** It was still going on when the best was taken. */
  | { readonly type: 'left' }

/** What came of all of them. */
export interface HaggledBest {
  /** Places in `haggles` of those that agreed and hold, the best price first; empty if none did. */
  readonly agreed: readonly number[]
  /** In the order of `haggles`. */
  readonly outcomes: readonly HaggleOutcome[]
}

/** Where one haggle stands for the others. */
type Stand =
  | { readonly type: 'talking' }
  /** Its price would do; it waits for the others. */
  | { readonly type: 'waiting'; readonly price: bigint; readonly say: (act: 'accept' | 'reject') => void }
  | { readonly type: 'accepting' }
  | { readonly type: 'agreed'; readonly price: bigint }
  | { readonly type: 'over' }

/**
 * Haggles with several sellers at the same time and takes the best. A price that would do is not accepted before the others have come to
 * theirs: the lowest is then accepted, and the others are turned down, so that nobody keeps a machine for a buyer that does not come. If the best
 * fails after all, the next is accepted. A seller may accept the buyer's own proposal at any time; from then on the others have to beat it.
 *
 * No money moves: an agreement lets the buyer open a lease, or pay a call, at its price, and a buyer that never does owes nothing.
 *
 * @param options The haggles, what confirms an agreement, and patience in milliseconds.
 * @returns Which agreed, the best price first, and how each ended. It never rejects for what a seller does.
 * @example
 * const { agreed, outcomes } = await haggleBest({ haggles: [{ ...buying, call, exchange }] })
 */
export async function haggleBest(options: HaggleBestOptions): Promise<HaggledBest> {
  const { haggles, confirm = async () => true, patience = 10_000 } = options
  const stands: Stand[] = haggles.map(() => ({ type: 'talking' }))
  const outcomes: HaggleOutcome[] = haggles.map(() => ({ type: 'left' }))
  let timer: ReturnType<typeof setTimeout> | undefined
  /** Nobody is waited for any more. */
  let late = false
  /** The answer is given: whoever still talks is turned down. */
  let closed = false
  let finish: () => void = () => undefined
  const finished = new Promise<void>((done) => {
    finish = () => {
      closed = true
      done()
    }
  })

  /** The lowest price that is agreed on already. */
  const bound = () =>
    stands.reduce<bigint | null>(
      (least, stand) =>
        stand.type === 'agreed' && (least === null || stand.price < least) ? stand.price : least,
      null,
    )
  const beats = (price: bigint) => {
    const least = bound()
    return least === null || price < least
  }

  function step(): void {
    if (stands.some(({ type }) => type === 'accepting')) return
    const talking = stands.some(({ type }) => type === 'talking')
    if (talking && !late) return
    let best: (Stand & { readonly type: 'waiting' }) | null = null
    for (const stand of stands)
      if (stand.type === 'waiting' && beats(stand.price) && (best === null || stand.price < best.price))
        best = stand
    if (best !== null) {
      stands[stands.indexOf(best)] = { type: 'accepting' }
      best.say('accept')
      return
    }
    for (const stand of stands) if (stand.type === 'waiting') stand.say('reject')
    // Who is turned down still says so; who is slow is left to it, once there is a deal.
    if (stands.every(({ type }) => type === 'agreed' || type === 'over') || (late && bound() !== null))
      finish()
  }

  const reconsider = (index: number) => async (speech: HaggleSpeech, state: Haggle) => {
    const offered = speech.act === 'accept' ? state.proposals.at(-1)?.price : null
    const own = 'terms' in speech ? speech.terms.price : null
    // What is agreed elsewhere has to be beaten.
    const named = offered ?? own
    if (closed || (named !== null && named !== undefined && !beats(BigInt(named))))
      return { act: 'reject' } as const
    if (offered === null || offered === undefined) return speech
    timer ??= setTimeout(() => {
      late = true
      step()
    }, patience)
    const act = await new Promise<'accept' | 'reject'>((say) => {
      stands[index] = { type: 'waiting', price: BigInt(offered), say }
      step()
    })
    if (act === 'reject') stands[index] = { type: 'over' }
    return { act } as const
  }

  const all = haggles.map(async (one, index) => {
    let stand: Stand = { type: 'over' }
    try {
      const ended = await haggle({ ...one, reconsider: reconsider(index) })
      const terms = agreedTerms(ended)
      const holds = terms !== null && (await confirm(ended, index))
      outcomes[index] = { type: terms === null || holds ? 'ended' : 'unconfirmed', haggle: ended }
      if (holds) stand = { type: 'agreed', price: BigInt(terms.price) }
    } catch (error) {
      outcomes[index] = { type: 'failed', error }
    }
    stands[index] = stand
    step()
  })
  if (haggles.length > 0) await Promise.race([finished, Promise.all(all)])
  clearTimeout(timer)
  closed = true
  const agreed = stands.flatMap((stand, index) =>
    stand.type === 'agreed' ? [{ index, price: stand.price }] : [],
  )
  agreed.sort((a, b) => (a.price === b.price ? a.index - b.index : a.price < b.price ? -1 : 1))
  return { agreed: agreed.map(({ index }) => index), outcomes: [...outcomes] }
}
