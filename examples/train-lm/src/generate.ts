import { setImmediate } from 'node:timers/promises'
import * as tf from '@tensorflow/tfjs-core'
import { attentionBiases, forward } from './model.ts'
import { randomFrom } from './random.ts'
import { decode, encode } from './tokenizer.ts'
import type { Model } from './train.ts'

export interface GenerateOptions {
  /** Tokens to add. */
  readonly length: number
  /** Fixes the draws. 0 by default. */
  readonly seed?: number
  /** Above 1 more varied, towards 0 only the likeliest. 0.8 by default. */
  readonly temperature?: number
  /** Only the likeliest so many tokens are drawn from; 40 by default. */
  readonly topK?: number
  /** Called with each token's text as soon as it is drawn. */
  readonly onToken?: (text: string) => void
  /** Ends the generation before the next token; what was drawn so far is returned. */
  readonly signal?: AbortSignal
}

/** What decides which tokens follow; as in {@link GenerateOptions}. */
export type DrawOptions = Pick<GenerateOptions, 'seed' | 'temperature' | 'topK' | 'signal'>

/**
 * Continues a prompt, one token at a time.
 * @returns The added text, without the prompt.
 *
 * @example
 * const text = await generate(model, 'The market', { length: 80, seed: 1, temperature: 0.7 })
 */
export async function generate(model: Model, prompt: string, options: GenerateOptions): Promise<string> {
  const drawn: number[] = []
  if (options.length <= 0) return ''
  for await (const id of drawTokens(model, encode(model.tokenizer, prompt), options)) {
    drawn.push(id)
    options.onToken?.(decode(model.tokenizer, [id]))
    if (drawn.length >= options.length) break
  }
  return decode(model.tokenizer, drawn)
}

/**
 * Draws the tokens that follow `prompt` for as long as someone takes them. Between two tokens other work of the process
 * gets its turn, so that several texts are continued side by side and a caller that leaves is noticed.
 * @param prompt Ids of the tokens to continue; a line's start where there are none.
 * @returns Ids; it ends only by the signal.
 *
 * @example
 * for await (const id of drawTokens(model, encode(model.tokenizer, 'The '), { seed: 1 })) if (enough(id)) break
 */
export async function* drawTokens(
  model: Model,
  prompt: Int32Array,
  options: DrawOptions = {},
): AsyncGenerator<number, void, void> {
  const { seed = 0, temperature = 0.8, topK = 40, signal } = options
  const random = randomFrom(seed)
  // What a layer cannot see through its window it may still hear of through the layers below.
  const reach = model.config.window * model.config.layers
  // A prompt needs at least one token to attend to; a line's start is the most neutral one.
  let ids = [...(prompt.length === 0 ? encode(model.tokenizer, '\n') : prompt)].slice(-reach)
  while (!signal?.aborted) {
    const id = draw(await nextLogits(model, Int32Array.from(ids)), { random, temperature, topK })
    ids = [...ids, id].slice(-reach)
    yield id
    await setImmediate()
  }
}

/** The logits of the token that follows `ids`. */
async function nextLogits(model: Model, ids: Int32Array): Promise<Float32Array> {
  const last = tf.tidy(() => {
    const { config, weights } = model
    const logits = forward({ config, weights, ids, biases: attentionBiases(config, ids.length) })
    return tf.slice2d(logits, [ids.length - 1, 0], [1, -1])
  })
  const values = await last.data<'float32'>()
  last.dispose()
  return values
}

function draw(
  logits: Float32Array,
  options: { random: () => number; temperature: number; topK: number },
): number {
  const ranked = Array.from(logits, (logit, id) => ({ logit, id }))
    .filter(({ id }) => id !== 0)
    .sort((a, b) => b.logit - a.logit || a.id - b.id)
    .slice(0, Math.max(1, options.topK))
  const most = ranked[0]?.logit ?? 0
  const scale = Math.max(options.temperature, 1e-6)
  const shares = ranked.map(({ logit }) => Math.exp((logit - most) / scale))
  let left = options.random() * shares.reduce((sum, share) => sum + share, 0)
  for (const [place, share] of shares.entries()) {
    left -= share
    if (left < 0) return ranked[place]?.id ?? 0
  }
  return ranked[0]?.id ?? 0
}
