import * as tf from '@tensorflow/tfjs-core'
import { TextTooShort } from './errors.ts'
import {
  attentionBiases,
  crossEntropy,
  forward,
  initWeights,
  type ModelConfig,
  type Weights,
} from './model.ts'
import { type Random, randomFrom } from './random.ts'
import type { Document } from './readText.ts'
import { buildTokenizer, encode, type Tokenizer } from './tokenizer.ts'

/** A trained model: all that is needed to continue a text. */
export interface Model {
  readonly config: ModelConfig
  readonly tokenizer: Tokenizer
  readonly weights: Weights
}

/** One line of the training's record. Losses are in nats a token. */
export interface Metrics {
  readonly step: number
  readonly trainLoss: number
  readonly heldOutLoss: number
  /** Tokens trained on so far. */
  readonly tokens: number
}

export interface TrainOptions {
  readonly documents: readonly Document[]
  readonly steps: number
  readonly seed: number
  /** Tokens of each piece of text, and pieces a step. */
  readonly piece?: number
  readonly pieces?: number
  /** Tokens of the vocabulary, where the text has pairs enough. */
  readonly vocabulary?: number
  readonly learningRate?: number
  readonly shape?: Partial<Omit<ModelConfig, 'vocabulary'>>
  /** Called first at step 0, then each `every` steps and at the end. */
  readonly onMetrics?: (metrics: Metrics) => void
  readonly every?: number
}

export interface Trained {
  readonly model: Model
  readonly metrics: readonly Metrics[]
  /** Loss of always guessing by the training text's token frequencies, on the held-out text, nats a token. */
  readonly unigramLoss: number
  /** Characters of the held-out text for each of its tokens: a loss divided by it is nats a character. */
  readonly charactersPerToken: number
}

/** Fewest characters that can be split into training and held-out text. */
export const leastCharacters = 4000

/**
 * Trains a language model. The same documents, options and machine give the same weights, bit by bit.
 * The last tenth of every document is held out.
 * @throws TextTooShort
 */
export function train(options: TrainOptions): Trained {
  const { documents, steps, seed, piece = 64, pieces = 4, learningRate = 4e-3, every = 20 } = options
  const stretch = piece * pieces
  const split = splitText(documents)
  const tokenizer = buildTokenizer(split.train, options.vocabulary)
  const config: ModelConfig = {
    width: 128,
    layers: 1,
    heads: 4,
    window: 64,
    ...options.shape,
    vocabulary: tokenizer.tokens.length,
  }
  const random = randomFrom(seed)
  const ids = encode(tokenizer, split.train)
  const heldOut = encode(tokenizer, split.heldOut)
  const weights = initWeights(config, random)
  const biases = attentionBiases(config, stretch, piece)
  const optimizer = tf.train.adam(learningRate, 0.9, 0.99, 1e-8)
  const variables = [...weights.values()]
  const metrics: Metrics[] = []
  let sum = 0
  let count = 0

  const record = (step: number) => {
    const line = {
      step,
      trainLoss: count === 0 ? lossOver({ config, weights, ids, stretch, most: 4 }) : sum / count,
      heldOutLoss: lossOver({ config, weights, ids: heldOut, stretch, most: 16 }),
      tokens: step * stretch,
    }
    sum = 0
    count = 0
    metrics.push(line)
    options.onMetrics?.(line)
  }

  record(0)
  for (let step = 1; step <= steps; step++) {
    setRate(optimizer, learningRate * rateAt(step, steps))
    const { inputs, targets } = drawBatch({ ids, piece, pieces, random })
    const loss = optimizer.minimize(
      () => crossEntropy(forward({ config, weights, ids: inputs, biases }), targets),
      true,
      variables,
    )
    if (loss !== null) {
      sum += loss.dataSync()[0] ?? 0
      count++
      loss.dispose()
    }
    if (step % every === 0 || step === steps) record(step)
  }
  optimizer.dispose()
  for (const bias of biases) bias.dispose()
  return {
    model: { config, tokenizer, weights },
    metrics,
    unigramLoss: unigramLoss(ids, heldOut, config.vocabulary),
    charactersPerToken: split.heldOut.length / heldOut.length,
  }
}

/** Splits each document into its first nine tenths and its last tenth. */
export function splitText(documents: readonly Document[]): { train: string; heldOut: string } {
  const total = documents.reduce((sum, { text }) => sum + text.length, 0)
  if (total < leastCharacters) throw new TextTooShort(total, leastCharacters)
  const heads: string[] = []
  const tails: string[] = []
  for (const { text } of documents) {
    const at = Math.floor(text.length * 0.9)
    heads.push(text.slice(0, at))
    tails.push(text.slice(at))
  }
  return { train: heads.join('\n'), heldOut: tails.join('\n') }
}

/** Cross entropy of `test` under the frequencies of `ids`, each id counted once more than seen; nats a token. */
export function unigramLoss(ids: Int32Array, test: Int32Array, vocabulary: number): number {
  const counts = new Float64Array(vocabulary).fill(1)
  for (const id of ids) counts[id] = (counts[id] ?? 0) + 1
  const total = ids.length + vocabulary
  let sum = 0
  for (const id of test) sum -= Math.log((counts[id] ?? 1) / total)
  return sum / test.length
}

/** Pieces of text from random places, and what follows each of their tokens. */
function drawBatch(options: { ids: Int32Array; piece: number; pieces: number; random: Random }) {
  const { ids, piece, pieces, random } = options
  const inputs = new Int32Array(piece * pieces)
  const targets = new Int32Array(piece * pieces)
  for (let at = 0; at < inputs.length; at += piece) {
    const from = Math.floor(random() * (ids.length - piece))
    inputs.set(ids.subarray(from, from + piece), at)
    targets.set(ids.subarray(from + 1, from + piece + 1), at)
  }
  return { inputs, targets }
}

/** Mean loss over up to `most` stretches laid evenly over `ids`. */
function lossOver(options: {
  config: ModelConfig
  weights: Weights
  ids: Int32Array
  stretch: number
  most: number
}): number {
  const { config, weights, ids } = options
  const length = Math.min(options.stretch, ids.length - 1)
  const places = Math.max(1, Math.min(options.most, Math.floor((ids.length - 1) / length)))
  const gap = places === 1 ? 0 : Math.floor((ids.length - 1 - length) / (places - 1))
  const biases = attentionBiases(config, length)
  let sum = 0
  for (let place = 0; place < places; place++) {
    const from = place * gap
    const loss = tf.tidy(() =>
      crossEntropy(
        forward({ config, weights, ids: ids.subarray(from, from + length), biases }),
        ids.subarray(from + 1, from + length + 1),
      ),
    )
    sum += loss.dataSync()[0] ?? 0
    loss.dispose()
  }
  for (const bias of biases) bias.dispose()
  return sum / places
}

/** Warm-up over the first twentieth, then a cosine down to a tenth. */
function rateAt(step: number, steps: number): number {
  const warm = Math.max(1, Math.floor(steps / 20))
  if (step <= warm) return step / warm
  return 0.1 + 0.45 * (1 + Math.cos((Math.PI * (step - warm)) / Math.max(1, steps - warm)))
}

function setRate(optimizer: tf.AdamOptimizer, rate: number): void {
  // The optimiser has no public setter; its learning rate is a plain field that each step reads.
  ;(optimizer as unknown as { learningRate: number }).learningRate = rate
}
