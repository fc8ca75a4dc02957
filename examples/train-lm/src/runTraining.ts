import { appendFile, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { useWasm } from './backend.ts'
import { generate } from './generate.ts'
import { readText } from './readText.ts'
import { saveModel } from './saveModel.ts'
import { train } from './train.ts'

export interface TrainingRun {
  /** Folder of text. */
  readonly text: string
  /** Folder for what comes out; made if missing. */
  readonly out: string
  readonly steps: number
  readonly seed: number
  /** Tokens of the sample. */
  readonly sampled: number
  /** Folder with the backend's `.wasm` files; the installed package's own by default. */
  readonly wasm?: string
  readonly print: (line: string) => void
}

/** Trains on a folder of text and writes the model, `metrics.jsonl`, `summary.json` and `sample.txt`. @throws TrainError */
export async function runTraining(options: TrainingRun): Promise<void> {
  const { text, out, steps, seed, sampled, print } = options
  const documents = await readText(text)
  const characters = documents.reduce((sum, document) => sum + document.text.length, 0)
  print(`${documents.length} documents, ${characters} characters`)
  await useWasm(options.wasm)
  await mkdir(out, { recursive: true })
  await writeFile(join(out, 'metrics.jsonl'), '')

  const lines: string[] = []
  const began = Date.now()
  const { model, metrics, unigramLoss, charactersPerToken } = train({
    documents,
    steps,
    seed,
    onMetrics: (line) => {
      lines.push(JSON.stringify(line))
      const { step, trainLoss, heldOutLoss } = line
      print(
        `step ${String(step).padStart(4)}/${steps}  loss ${trainLoss.toFixed(3)}  held-out ${heldOutLoss.toFixed(3)}` +
          `  perplexity ${Math.exp(heldOutLoss).toFixed(2)}  ${((Date.now() - began) / 1000).toFixed(1)} s`,
      )
    },
  })
  await appendFile(join(out, 'metrics.jsonl'), `${lines.join('\n')}\n`)
  const sha256 = await saveModel(model, out)
  const prompt = 'The '
  const sample = prompt + (await generate(model, prompt, { length: sampled, seed }))
  await writeFile(join(out, 'sample.txt'), `${sample}\n`)

  const first = metrics[0]?.heldOutLoss ?? Number.NaN
  const last = metrics.at(-1)?.heldOutLoss ?? Number.NaN
  const summary = {
    steps,
    seed,
    characters,
    heldOutLoss: { first, last, unigram: unigramLoss },
    heldOutPerplexity: { first: Math.exp(first), last: Math.exp(last), unigram: Math.exp(unigramLoss) },
    bitsPerCharacter: {
      first: first / charactersPerToken / Math.LN2,
      last: last / charactersPerToken / Math.LN2,
      unigram: unigramLoss / charactersPerToken / Math.LN2,
    },
    weights: { file: 'weights.safetensors', sha256 },
  }
  await writeFile(join(out, 'summary.json'), `${JSON.stringify(summary, null, 2)}\n`)
  print(
    `held-out perplexity ${Math.exp(first).toFixed(1)} -> ${Math.exp(last).toFixed(2)} (token frequencies alone: ${Math.exp(unigramLoss).toFixed(1)})`,
  )
  print(`weights ${sha256}`)
  print(`sample:\n${sample}`)
}
