import { createHash } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { writeSafetensors } from './safetensors.ts'
import type { Model } from './train.ts'

/**
 * Writes `weights.safetensors`, `config.json` and `tokenizer.json` into a folder, which is made if missing.
 * @returns SHA-256 of the weights file, hex.
 */
export async function saveModel(model: Model, folder: string): Promise<string> {
  await mkdir(folder, { recursive: true })
  const tensors = await Promise.all(
    [...model.weights].map(async ([name, weight]) => ({
      name,
      shape: weight.shape,
      values: await weight.data<'float32'>(),
    })),
  )
  const bytes = writeSafetensors(tensors)
  await writeFile(join(folder, 'weights.safetensors'), bytes)
  await writeFile(join(folder, 'config.json'), `${JSON.stringify(model.config, null, 2)}\n`)
  await writeFile(join(folder, 'tokenizer.json'), `${JSON.stringify(model.tokenizer)}\n`)
  return createHash('sha256').update(bytes).digest('hex')
}
