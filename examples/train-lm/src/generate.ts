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

/**
 * Continues a prompt, one token at a time.
 * @returns The added text, without the prompt.
 *
 * @example
 * const text = await generate(model, 'The market', { length: 80, seed: 1, temperature: 0.7 })
 */
export async function generate(model: Model, prompt: string, options: GenerateOptions): Promise<string> {
  const { length, seed = 0, temperature = 0.8, topK = 40 } = options
  const random = randomFrom(seed)
  // What a layer cannot see through its window it may still hear of through the layers below.
  const reach = model.config.window * model.config.layers
  // A prompt needs at least one token to attend to; a line's start is the most neutral one.
  const ids = [...encode(model.tokenizer, prompt === '' ? '\n' : prompt)]
  const given = ids.length
  for (let drawn = 0; drawn < length && !options.signal?.aborted; drawn++) {
    const logits = await nextLogits(model, Int32Array.from(ids.slice(-reach)))
    const id = draw(logits, { random, temperature, topK })
    ids.push(id)
    options.onToken?.(decode(model.tokenizer, [id]))
  }
  return decode(model.tokenizer, ids.slice(given))
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
