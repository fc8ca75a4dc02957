import type { Signer } from '../accounts/signer.ts'
import { HaggleOverError } from '../errors/haggling.ts'
import { type DecideHaggleOptions, decideHaggle } from './decideHaggle.ts'
import { type HaggleMessage, type HaggleSpeech, hashHaggleMessage } from './message.ts'
import { type ReceiveHaggleOptions, receiveHaggleMessage } from './receiveHaggleMessage.ts'
import { signHaggleMessage } from './signHaggleMessage.ts'
import type { HaggleCall, HaggleTerms } from './terms.ts'
import type { Haggle } from './transcript.ts'

/** What both sides need: a key, a strategy, a limit, a clock. */
export interface HaggleSideOptions
  extends Omit<ReceiveHaggleOptions, 'now'>,
    Pick<DecideHaggleOptions, 'strategy' | 'reservation' | 'quantity'> {
  readonly signer: Signer
  /** The time in Unix seconds. */
  readonly now: () => number
}

/** What the buyer needs besides. */
export interface HaggleOptions extends HaggleSideOptions {
  readonly call: HaggleCall
  /** Carries a message to the seller and brings its answer; `null` after the message that ended the haggle. */
  readonly exchange: (message: HaggleMessage) => Promise<HaggleMessage | null>
  /** Told what the strategy came to before it is signed; what it returns is said instead. Default: the same. */
  readonly reconsider?: (speech: HaggleSpeech, haggle: Haggle) => Promise<HaggleSpeech>
}

/**
 * Haggles as the buyer, from the call to the end. It ends after `call.maxRounds` proposals at the latest.
 *
 * @param options Key, call, strategy, reservation price in base units, and how messages reach the seller.
 * @returns The whole transcript; `agreedTerms` of it are the deal, if there is one.
 * @throws What `receiveHaggleMessage` throws at a faulty answer; HaggleOverError if the seller falls silent; whatever
 * `exchange` throws.
 * @example
 * const transcript = await haggle({ ...buying, call, exchange })
 */
export async function haggle(options: HaggleOptions): Promise<Haggle> {
  const { signer, call, exchange, now } = options
  const startedAt = now()
  const receive = (state: Haggle | null, message: HaggleMessage) =>
    receiveHaggleMessage(state, message, { ...options, now: now() })
  let message = await signHaggleMessage(signer, { act: 'call', call }, { ...options, haggle: null })
  let state = await receive(null, message)
  for (;;) {
    const answer = await exchange(message)
    if (state.state !== 'open') return state
    if (answer === null) throw new HaggleOverError({ haggle: state.id, outcome: 'the seller gave no answer' })
    const { last } = state
    state = await receive(state, answer)
    if (state.state !== 'open') return state
    // A message taken before is no answer; going on would ask the seller forever.
    if (state.last === last)
      throw new HaggleOverError({ haggle: state.id, outcome: 'the seller repeated an old message' })
    const decided = decideHaggle(state, { ...options, side: 'buyer', startedAt, now: now() })
    const speech = (await options.reconsider?.(decided, state)) ?? decided
    message = await signHaggleMessage(signer, speech, { ...options, haggle: state })
    state = await receive(state, message)
  }
}

/**
 * Answers one message as the seller. Keep the haggle it returns before the answer leaves: a seller that forgets and
 * answers the same message anew signs a proof of equivocation against itself.
 *
 * @param state Where the haggle stands; `null` if the message is a call.
 * @param message What the buyer sent, read by `haggleMessageSchema`.
 * @param options Key, strategy, reservation price in base units, and when the haggle began, Unix seconds.
 * @returns Where the haggle stands, and the answer; `null` if the buyer's message ended it.
 * @throws What `receiveHaggleMessage` throws.
 * @example
 * const { haggle, answer } = await answerHaggle(null, said, { ...selling, startedAt })
 */
export async function answerHaggle(
  state: Haggle | null,
  message: HaggleMessage,
  options: HaggleSideOptions & { readonly startedAt: number },
): Promise<{ readonly haggle: Haggle; readonly answer: HaggleMessage | null }> {
  const now = options.now()
  const received = await receiveHaggleMessage(state, message, { ...options, now })
  // A message that came again gets the answer it got the first time: a second one would be equivocation.
  const given = received.messages[received.digests.indexOf(hashHaggleMessage(message, options)) + 1]
  if (given !== undefined) return { haggle: received, answer: given }
  if (received.state !== 'open') return { haggle: received, answer: null }
  const speech = decideHaggle(received, { ...options, side: 'seller', now })
  const answer = await signHaggleMessage(options.signer, speech, { ...options, haggle: received })
  return { haggle: await receiveHaggleMessage(received, answer, { ...options, now }), answer }
}

/**
 * Reads the deal off a transcript.
 *
 * @param transcript Where the haggle stands.
 * @returns The terms both sides signed for, or `null` if they have not agreed.
 * @example
 * const terms = agreedTerms(state)
 */
export function agreedTerms(transcript: Haggle): HaggleTerms | null {
  return transcript.state === 'agreed' ? (transcript.proposals.at(-1) ?? null) : null
}
