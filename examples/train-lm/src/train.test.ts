import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { useWasm } from './backend.ts'
import { ModelInvalid, TextTooShort } from './errors.ts'
import { generate } from './generate.ts'
import { loadModel } from './loadModel.ts'
import type { Document } from './readText.ts'
import { saveModel } from './saveModel.ts'
import { leastCharacters, splitText, type Trained, train, unigramLoss } from './train.ts'

const folder = await mkdtemp(join(tmpdir(), 'millrace-train-'))
afterAll(() => rm(folder, { recursive: true }))
const small = { steps: 3, seed: 1, vocabulary: 160, pieces: 2, piece: 32, shape: { width: 32, heads: 2 } }
let documents: readonly Document[]
let trained: Trained

beforeAll(async () => {
  await useWasm()
  // Real text that does not change under the test.
  const licence = fileURLToPath(new URL('../../../LICENSE', import.meta.url))
  documents = [{ path: 'LICENSE', text: await readFile(licence, 'utf8') }]
  trained = train({ documents, steps: 40, seed: 1, vocabulary: 256, shape: { width: 64 } })
})

describe('train', () => {
  test('default: the loss falls, on text held out below what token frequencies alone give', () => {
    const losses = trained.metrics.map(({ heldOutLoss }) => heldOutLoss)
    expect(losses[0]).toBeCloseTo(Math.log(trained.model.config.vocabulary), 3)
    expect(losses.at(-1)).toBeLessThan(trained.unigramLoss - 0.2)
    expect(trained.metrics.at(-1)?.trainLoss).toBeLessThan(trained.metrics[0]?.trainLoss ?? 0)
    expect(trained.metrics.map(({ step, tokens }) => [step, tokens])).toEqual([
      [0, 0],
      [20, 20 * 256],
      [40, 40 * 256],
    ])
  })

  test('behavior: the same text and seed give the same weights, another seed others', async () => {
    const hash = (seed: number, name: string) =>
      saveModel(train({ ...small, documents, seed }).model, join(folder, name))
    const first = await hash(1, 'a')
    expect(await hash(1, 'b')).toBe(first)
    expect(await hash(2, 'c')).not.toBe(first)
  })

  test('error: TextTooShort', () => {
    expect(() => train({ ...small, documents: [{ path: 'a.md', text: 'short' }] })).toThrow(
      new TextTooShort(5, leastCharacters),
    )
  })

  test('behavior: the last tenth of each document is held out', () => {
    const text = (letter: string) => letter.repeat(3000)
    const split = splitText([
      { path: 'a', text: `${text('a').slice(0, 2700)}${'b'.repeat(300)}` },
      { path: 'c', text: text('c') },
    ])
    expect(split.heldOut).toBe(`${'b'.repeat(300)}\n${'c'.repeat(300)}`)
    expect(split.train).not.toContain('b')
  })

  test('behavior: the baseline of a uniform text is the logarithm of its tokens', () => {
    const ids = Int32Array.from({ length: 4000 }, (_, i) => i % 4)
    expect(unigramLoss(ids, ids, 4)).toBeCloseTo(Math.log(4), 10)
  })
})

describe('saveModel, loadModel, generate', () => {
  test('default: a loaded model continues a prompt as the trained one does', async () => {
    const path = join(folder, 'model')
    await saveModel(trained.model, path)
    const loaded = await loadModel(path)
    const options = { length: 40, seed: 3 }
    const text = await generate(trained.model, 'The ', options)
    expect(text.length).toBeGreaterThan(0)
    expect(await generate(loaded, 'The ', options)).toBe(text)
    expect(await generate(loaded, 'The ', { ...options, seed: 4 })).not.toBe(text)
  })

  test('behavior: tokens come one by one, an empty prompt will do, and a signal ends it', async () => {
    const said: string[] = []
    const text = await generate(trained.model, '', { length: 10, onToken: (token) => said.push(token) })
    expect(said).toHaveLength(10)
    expect(said.join('')).toBe(text)
    const abort = new AbortController()
    const cut = await generate(trained.model, '', {
      length: 10,
      signal: abort.signal,
      onToken: () => abort.abort(),
    })
    expect(cut).toBe(said[0])
    const cold = { length: 10, temperature: 0 }
    expect(await generate(trained.model, 'a', { ...cold, seed: 1 })).toBe(
      await generate(trained.model, 'a', { ...cold, seed: 2 }),
    )
  })

  test('error: ModelInvalid', async () => {
    const path = join(folder, 'broken')
    await saveModel(trained.model, path)
    const file = (name: string) => join(path, name)
    const weights = await readFile(file('weights.safetensors'))
    const config = JSON.parse(await readFile(file('config.json'), 'utf8'))
    const broken = async (name: string, content: string | Uint8Array, message: string) => {
      const before = await readFile(file(name))
      await writeFile(file(name), content)
      await expect(loadModel(path)).rejects.toThrow(`"${file(name)}": ${message}.`)
      await expect(loadModel(path)).rejects.toThrow(ModelInvalid)
      await writeFile(file(name), before)
    }
    await broken('config.json', 'x', 'it is not JSON')
    await broken(
      'config.json',
      JSON.stringify({ ...config, width: 0 }),
      '"width" is not a positive whole number',
    )
    await broken('tokenizer.json', '{}', 'it has no list of tokens')
    await broken('tokenizer.json', '{"tokens":["a"],"merges":[[0,1]]}', 'it has no list of merges')
    await broken(
      'tokenizer.json',
      '{"tokens":["a"],"merges":[]}',
      'it has 1 tokens where the config says 256',
    )
    await broken('weights.safetensors', weights.subarray(0, 5), 'it is cut short')
    await broken('weights.safetensors', weights.subarray(0, -4), 'tensor "head" does not fill its shape')
    await broken(
      'weights.safetensors',
      Buffer.concat([Buffer.from([2, 0, 0, 0, 0, 0, 0, 0]), Buffer.from('{}')]),
      'tensor "embedding" is missing',
    )
    await expect(loadModel(join(folder, 'nowhere'))).rejects.toThrow('it cannot be read')
  })
})
