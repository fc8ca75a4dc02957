import * as z from 'zod'
import type { ModelCall } from './modelCall.ts'
import { costUp } from './modelPrice.ts'

/** Counts the tokens of a text. */
export type CountTokens = (text: string, model: string) => number

/** What was delivered of an answer, and what it costs. */
export interface Metered {
  readonly input: number
  readonly output: number
  /** Base units, never above the call's quote. */
  readonly cost: bigint
  /** Whose count it is: the upstream's, or ours where it said nothing plausible. */
  readonly by: 'upstream' | 'gateway'
}

const usageSchema = z.object({
  prompt_tokens: z.int().min(0),
  completion_tokens: z.int().min(0).default(0),
  completion_tokens_details: z.object({ reasoning_tokens: z.int().min(0).nullish() }).nullish(),
})

/** Tokens without text that an answer may have: marks of its beginning, its end and its parts. */
const silentTokens = 64

/** Bytes of UTF-8 of a text. */
export const byteLength = (text: string): number => Buffer.byteLength(text)

/** About four bytes a token: what to count by where neither the upstream nor the seller knows better. */
export const aboutTokens: CountTokens = (text) => Math.ceil(byteLength(text) / 4)

/** Bytes of output beyond which no tokenizer can have kept a limit of tokens in a text of any language. */
const longToken = 8

/**
 * Counts what an answer delivers. The upstream's usage counts where it is plausible: whole numbers within the call's bounds,
 * and no more output than the delivered bytes can hold beside what it says it thought. Otherwise our own count does.
 */
export function createMeter(call: ModelCall, countTokens: CountTokens = aboutTokens) {
  const limit = call.outputAtMost
  const { id, price } = call.model
  let input: number | null = null
  let counted = 0
  let pieces = 0
  let bytes = 0
  let usage: { input: number; output: number } | null = null

  const within = (tokens: number, most: number) => Math.min(Math.max(Math.ceil(tokens), 0), most)
  const ownInput = () => {
    input ??= within(
      call.texts.reduce((sum, text) => sum + countTokens(text, id), call.ids),
      call.inputAtMost,
    )
    return input
  }

  return {
    /** A piece of the answer goes to the buyer. */
    deliver(text: string): void {
      pieces++
      bytes += byteLength(text)
      counted += Math.max(1, countTokens(text, id))
    },
    /** The upstream says what was used so far. */
    report(value: unknown): void {
      // Nearly every event of a stream says nothing of it, and what says that a reading failed has getters, which the collector keeps.
      if (value === undefined || value === null) return
      const read = usageSchema.safeParse(value)
      if (!read.success) return
      const { prompt_tokens, completion_tokens, completion_tokens_details } = read.data
      const thought = completion_tokens_details?.reasoning_tokens ?? 0
      const mostByBytes = bytes + thought + silentTokens * call.answers
      if (prompt_tokens > call.inputAtMost || completion_tokens > Math.min(limit, mostByBytes)) return
      usage = { input: prompt_tokens, output: completion_tokens }
    },
    /** Whether anything of the answer was delivered. */
    begun: () => pieces > 0,
    /** Whether the upstream went on past the limit that it was told. An estimate alone does not say so. */
    overran: () =>
      countTokens === aboutTokens ? pieces > limit && bytes > longToken * limit : counted > limit,
    /** The cost if `text` were delivered too, by our own count. */
    costWith(text: string): bigint {
      const output = within(counted + Math.max(1, countTokens(text, id)), limit)
      return costUp(price, { input: ownInput(), output })
    },
    read(): Metered {
      if (usage !== null) return { cost: costUp(price, usage), by: 'upstream', ...usage }
      const tokens = { input: ownInput(), output: within(counted, limit) }
      return { cost: costUp(price, tokens), by: 'gateway', ...tokens }
    },
  }
}

export type Meter = ReturnType<typeof createMeter>
