import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { TrainError } from './errors.ts'
import { argument, wholeNumber } from './options.ts'

/**
 * The training program: `train.mjs [--text DIR] [--out DIR]`, and by environment `STEPS`, `SEED`, `SAMPLE`.
 * Writes the model, `metrics.jsonl`, `summary.json` and `sample.txt` into the output folder.
 */
async function main(): Promise<void> {
  const args = process.argv.slice(2)
  const text = argument(args, 'text') ?? 'text'
  const out = argument(args, 'out') ?? 'out'
  const steps = wholeNumber({
    name: 'STEPS',
    text: process.env.STEPS,
    fallback: 300,
    least: 1,
    most: 1_000_000,
  })
  const seed = wholeNumber({ name: 'SEED', text: process.env.SEED, fallback: 1, least: 0, most: 2 ** 32 - 1 })
  const sampled = wholeNumber({
    name: 'SAMPLE',
    text: process.env.SAMPLE,
    fallback: 240,
    least: 0,
    most: 10_000,
  })
  console.log(`train-lm: ${steps} steps on the text under ${text}, seed ${seed}`)
  // Only now the library: the first line must not wait for it.
  const { runTraining } = await import('./runTraining.ts')
  const wasm = bundledWasm()
  await runTraining({
    text,
    out,
    steps,
    seed,
    sampled,
    print: console.log,
    ...(wasm === undefined ? {} : { wasm }),
  })
}

/** In the bundled job the `.wasm` files lie beside the program. */
function bundledWasm(): string | undefined {
  const here = fileURLToPath(import.meta.url)
  return here.endsWith('.mjs') ? dirname(here) : undefined
}

main().catch((error: unknown) => {
  if (!(error instanceof TrainError)) throw error
  console.error(`${error.code}: ${error.message}`)
  process.exitCode = 2
})
