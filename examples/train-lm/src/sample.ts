import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { TrainError } from './errors.ts'
import { generate } from './generate.ts'
import { loadModel } from './loadModel.ts'
import { argument, wholeNumber } from './options.ts'

/** The sampling program: `sample.mjs --model DIR --prompt TEXT [--length N] [--seed N]`. Prints prompt and continuation. */
async function main(): Promise<void> {
  const args = process.argv.slice(2)
  const prompt = argument(args, 'prompt') ?? 'The '
  const length = wholeNumber({
    name: '--length',
    text: argument(args, 'length'),
    fallback: 240,
    least: 1,
    most: 10_000,
  })
  const seed = wholeNumber({
    name: '--seed',
    text: argument(args, 'seed'),
    fallback: 1,
    least: 0,
    most: 2 ** 32 - 1,
  })
  const here = fileURLToPath(import.meta.url)
  const model = await loadModel(
    argument(args, 'model') ?? 'out',
    here.endsWith('.mjs') ? dirname(here) : undefined,
  )
  process.stdout.write(prompt)
  await generate(model, prompt, { length, seed, onToken: (text) => process.stdout.write(text) })
  process.stdout.write('\n')
}

main().catch((error: unknown) => {
  if (!(error instanceof TrainError)) throw error
  console.error(`${error.code}: ${error.message}`)
  process.exitCode = 2
})
