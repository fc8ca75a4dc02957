import * as tf from '@tensorflow/tfjs-core'
import { attentionBiases, hiddenStates } from './model.ts'
import type { Model } from './train.ts'

/** Tokens that are run through the network at once; a longer text is embedded stretch by stretch. */
const stretch = 256

/**
 * The place of a text in the model's space: the mean of its tokens' hidden states, of length 1.
 * @param ids Ids of the text's tokens, at least one.
 * @returns `width` numbers.
 *
 * @example
 * const vector = await embed(model, encode(model.tokenizer, 'A mill race'))
 */
export async function embed(model: Model, ids: Int32Array): Promise<Float32Array> {
  const { config, weights } = model
  const sum = new Float64Array(config.width)
  for (let from = 0; from < ids.length; from += stretch) {
    const part = ids.subarray(from, from + stretch)
    const total = tf.tidy(() => {
      const biases = attentionBiases(config, part.length)
      return tf.sum(hiddenStates({ config, weights, ids: part, biases }), 0)
    })
    for (const [at, value] of (await total.data<'float32'>()).entries()) sum[at] = (sum[at] ?? 0) + value
    total.dispose()
  }
  const length = Math.hypot(...sum)
  return Float32Array.from(sum, (value) => (length === 0 ? 0 : value / length))
}
