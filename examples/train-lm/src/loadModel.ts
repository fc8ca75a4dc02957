import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as tf from '@tensorflow/tfjs-core'
import { useWasm } from './backend.ts'
import { ModelInvalid } from './errors.ts'
import { type ModelConfig, weightShapes } from './model.ts'
import { readSafetensors } from './safetensors.ts'
import type { Tokenizer } from './tokenizer.ts'
import type { Model } from './train.ts'

/**
 * Loads a model that {@link saveModel} wrote and makes the backend ready.
 * @param folder Folder with `weights.safetensors`, `config.json` and `tokenizer.json`.
 * @param wasm Folder with the backend's `.wasm` files; the installed package's own by default.
 * @throws ModelInvalid
 *
 * @example
 * const model = await loadModel('out')
 * console.log(await generate(model, 'The market', { length: 80, seed: 1 }))
 */
export async function loadModel(folder: string, wasm?: string): Promise<Model> {
  await useWasm(wasm)
  const config = readConfig(await readJson(join(folder, 'config.json')), join(folder, 'config.json'))
  const tokenizer = readTokenizer(
    await readJson(join(folder, 'tokenizer.json')),
    join(folder, 'tokenizer.json'),
  )
  if (tokenizer.tokens.length !== config.vocabulary) {
    throw new ModelInvalid(
      join(folder, 'tokenizer.json'),
      `it has ${tokenizer.tokens.length} tokens where the config says ${config.vocabulary}`,
    )
  }
  const file = join(folder, 'weights.safetensors')
  const tensors = new Map(readSafetensors(await read(file), file).map((tensor) => [tensor.name, tensor]))
  const weights = new Map<string, tf.Variable<tf.Rank.R2>>()
  for (const [name, shape] of weightShapes(config)) {
    const tensor = tensors.get(name)
    if (tensor === undefined) throw new ModelInvalid(file, `tensor "${name}" is missing`)
    if (tensor.shape.join() !== shape.join()) {
      throw new ModelInvalid(
        file,
        `tensor "${name}" has shape [${tensor.shape}] where the config needs [${shape}]`,
      )
    }
    weights.set(name, tf.variable(tf.tensor2d(tensor.values, shape), false))
  }
  return { config, tokenizer, weights }
}

async function read(file: string): Promise<Uint8Array> {
  return readFile(file).catch((cause: unknown) => {
    throw new ModelInvalid(file, 'it cannot be read', cause)
  })
}

async function readJson(file: string): Promise<unknown> {
  const bytes = await read(file)
  try {
    return JSON.parse(new TextDecoder().decode(bytes))
  } catch (cause) {
    throw new ModelInvalid(file, 'it is not JSON', cause)
  }
}

function readConfig(value: unknown, file: string): ModelConfig {
  const field = (name: keyof ModelConfig): number => {
    const number = (value as Record<string, unknown> | null)?.[name]
    if (typeof number === 'number' && Number.isSafeInteger(number) && number > 0) return number
    throw new ModelInvalid(file, `"${name}" is not a positive whole number`)
  }
  return {
    width: field('width'),
    layers: field('layers'),
    heads: field('heads'),
    window: field('window'),
    vocabulary: field('vocabulary'),
  }
}

function readTokenizer(value: unknown, file: string): Tokenizer {
  const { tokens, merges } = (value ?? {}) as { tokens?: unknown; merges?: unknown }
  if (!Array.isArray(tokens) || !tokens.every((token) => typeof token === 'string')) {
    throw new ModelInvalid(file, 'it has no list of tokens')
  }
  const isId = (id: unknown) => Number.isSafeInteger(id) && Number(id) >= 0 && Number(id) < tokens.length
  const isPair = (pair: unknown) => Array.isArray(pair) && pair.length === 2 && pair.every(isId)
  if (!Array.isArray(merges) || !merges.every(isPair) || merges.length >= tokens.length) {
    throw new ModelInvalid(file, 'it has no list of merges')
  }
  return { tokens, merges }
}
