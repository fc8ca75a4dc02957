import * as tf from '@tensorflow/tfjs-core'
import { matMul } from './matMul.ts'
import { normal, type Random } from './random.ts'

/** Shape of the network. */
export interface ModelConfig {
  readonly vocabulary: number
  readonly width: number
  readonly layers: number
  readonly heads: number
  /** How many tokens back a head may look, the token itself included. */
  readonly window: number
}

/** Named weights, in the order in which they are written to a file. */
export type Weights = ReadonlyMap<string, tf.Variable<tf.Rank.R2>>

/**
 * A decoder-only transformer: pre-normalised blocks, banded causal attention with linear distance biases (ALiBi, Press,
 * Smith and Lewis 2022) in place of position embeddings. A batch is one long sequence of pieces that do not see each
 * other, so that two-dimensional products suffice.
 */
export function initWeights(config: ModelConfig, random: Random): Weights {
  const { width, layers } = config
  const weights = new Map<string, tf.Variable<tf.Rank.R2>>()
  for (const [name, shape] of weightShapes(config)) {
    const part = name.replace(/^\d+\./, '')
    const deviation = deviations({ width, layers })[part]
    const values = new Float32Array(shape[0] * shape[1])
    for (let i = 0; i < values.length; i++) {
      values[i] = part.endsWith('gain') ? 1 : deviation === undefined ? 0 : deviation * normal(random)
    }
    weights.set(name, tf.variable(tf.tensor2d(values, shape), true))
  }
  return weights
}

/** Every weight's name and shape, in the order in which they are written to a file. */
export function weightShapes(
  config: ModelConfig,
): readonly (readonly [name: string, shape: [number, number]])[] {
  const { vocabulary, width, layers } = config
  const blocks = Array.from({ length: layers }, (_, layer): [string, [number, number]][] => [
    [`${layer}.attention.gain`, [1, width]],
    [`${layer}.attention.query`, [width, width]],
    [`${layer}.attention.key`, [width, width]],
    [`${layer}.attention.value`, [width, width]],
    [`${layer}.attention.out`, [width, width]],
    [`${layer}.feedforward.gain`, [1, width]],
    [`${layer}.feedforward.in`, [width, 4 * width]],
    [`${layer}.feedforward.out`, [4 * width, width]],
  ])
  return [
    ['embedding', [vocabulary, width]],
    ...blocks.flat(),
    ['gain', [1, width]],
    ['head', [width, vocabulary]],
  ]
}

/** Standard deviations at the start, by part; what is not named starts at zero. */
function deviations({ width, layers }: { width: number; layers: number }): Readonly<Record<string, number>> {
  const fanIn = 1 / Math.sqrt(width)
  return {
    embedding: 1,
    'attention.query': fanIn,
    'attention.key': fanIn,
    'attention.value': fanIn,
    'attention.out': fanIn / Math.sqrt(2 * layers),
    'feedforward.in': fanIn,
    'feedforward.out': fanIn / 2 / Math.sqrt(2 * layers),
  }
}

/** A sequence to run through the network. `biases` come from {@link attentionBiases}. */
export interface Pass {
  readonly config: ModelConfig
  readonly weights: Weights
  readonly ids: Int32Array
  readonly biases: readonly tf.Tensor2D[]
}

/** Logits of the next token at each place of `ids`, `[ids.length, vocabulary]`. */
export function forward(pass: Pass): tf.Tensor2D {
  return matMul(hiddenStates(pass), weightOf(pass.weights, 'head'))
}

/** What the network makes of each place of `ids` before it names a token, `[ids.length, width]`. */
export function hiddenStates({ config, weights, ids, biases }: Pass): tf.Tensor2D {
  const weight = (name: string) => weightOf(weights, name)
  const size = config.width / config.heads
  // One-hot times matrix, because the wasm backend has no gradient of a row look-up.
  let x = matMul(oneHot(ids, config.vocabulary), weight('embedding'))
  for (let layer = 0; layer < config.layers; layer++) {
    const normed = normalise(x, weight(`${layer}.attention.gain`))
    const query = matMul(normed, weight(`${layer}.attention.query`))
    const key = tf.transpose(matMul(normed, weight(`${layer}.attention.key`)))
    const value = matMul(normed, weight(`${layer}.attention.value`))
    const heads = biases.map((bias, head) => {
      const q = tf.slice2d(query, [0, head * size], [-1, size])
      const k = tf.slice2d(key, [head * size, 0], [size, -1])
      const v = tf.slice2d(value, [0, head * size], [-1, size])
      const scores: tf.Tensor2D = tf.add(tf.mul(matMul(q, k), 1 / Math.sqrt(size)), bias)
      return matMul(tf.softmax(scores), v)
    })
    x = tf.add(x, matMul(tf.concat2d(heads, 1), weight(`${layer}.attention.out`)))
    const inner = matMul(normalise(x, weight(`${layer}.feedforward.gain`)), weight(`${layer}.feedforward.in`))
    x = tf.add(x, matMul(tf.square(tf.relu(inner)), weight(`${layer}.feedforward.out`)))
  }
  return normalise(x, weight('gain'))
}

function weightOf(weights: Weights, name: string): tf.Variable<tf.Rank.R2> {
  const found = weights.get(name)
  // Weights are checked against the config when they are loaded.
  if (found === undefined) throw new RangeError(`no weight "${name}"`)
  return found
}

/** Mean negative log likelihood of `targets`, in nats a token. */
export function crossEntropy(logits: tf.Tensor2D, targets: Int32Array): tf.Scalar {
  return tf.neg(tf.mean(tf.sum(tf.mul(tf.logSoftmax(logits), oneHot(targets, logits.shape[1])), 1)))
}

/**
 * What each head adds to its scores: minus a slope times the distance; nothing ahead, beyond the window, or in another
 * piece of text.
 * @param length Tokens in all.
 * @param piece Tokens of each of the pieces of text that lie one after the other; all by default.
 */
export function attentionBiases(config: ModelConfig, length: number, piece = length): tf.Tensor2D[] {
  return Array.from({ length: config.heads }, (_, head) => {
    const slope = 2 ** ((-8 * (head + 1)) / config.heads)
    const values = new Float32Array(length * length).fill(-1e9)
    for (let i = 0; i < length; i++) {
      const first = Math.max(i - (i % piece), i - config.window + 1)
      for (let j = first; j <= i; j++) values[i * length + j] = -slope * (i - j)
    }
    return tf.tensor2d(values, [length, length])
  })
}

/** Root-mean-square normalisation (Zhang and Sennrich 2019). */
function normalise(x: tf.Tensor2D, gain: tf.Tensor): tf.Tensor2D {
  const scale = tf.rsqrt(tf.add(tf.mean(tf.square(x), 1, true), 1e-6))
  return tf.mul(tf.mul(x, scale), gain)
}

/** The backend writes integers whatever type is asked of its own one-hot, so the conversion is a step of its own. */
function oneHot(ids: Int32Array, depth: number): tf.Tensor2D {
  return tf.cast(tf.oneHot(tf.tensor1d(ids, 'int32'), depth) as tf.Tensor2D, 'float32')
}
