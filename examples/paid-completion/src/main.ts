import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { loadModel, type Model, TrainError, train, useWasm } from '@millrace/example-train-lm'
import { parts } from './agreement.ts'
import { startLocalChain } from './localChain.ts'
import { type PaidCompletion, paidCompletion } from './paidCompletion.ts'

const usage = 'npm run example:paid -- [--json] [--prompt TEXT] [--model DIR]'
const say = (text: string) => process.stderr.write(`${text}\n`)

/** The program: a chain, a model, one paid completion, and who was paid by it. */
async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      json: { type: 'boolean', default: false },
      prompt: { type: 'string', default: 'The licence' },
      model: { type: 'string' },
    },
  })
  const folder = await mkdtemp(join(tmpdir(), 'millrace-paid-'))
  say('Bringing up a local chain with the contracts …')
  const chain = await startLocalChain({ epochLength: 10 })
  try {
    const model = values.model === undefined ? await trainBriefly() : await loadModel(values.model)
    say('Four parties make a service, the model is served, and a buyer pays for one completion …')
    const done = await paidCompletion(model, { chain, prompt: values.prompt, folder })
    report(values.prompt, done)
    if (values.json)
      process.stdout.write(
        `${JSON.stringify(done, (_, value) => (typeof value === 'bigint' ? String(value) : value))}\n`,
      )
  } finally {
    await chain.stop()
    await rm(folder, { recursive: true, maxRetries: 40, retryDelay: 50 })
  }
}

async function trainBriefly(): Promise<Model> {
  say('Training a small model for a moment …')
  await useWasm()
  const path = fileURLToPath(new URL('../../../LICENSE', import.meta.url))
  const documents = [{ path: 'LICENSE', text: await readFile(path, 'utf8') }]
  return train({ documents, steps: 80, seed: 1, vocabulary: 256, shape: { width: 64 } }).model
}

function report(prompt: string, { text, tokens, charged, paid, currency }: PaidCompletion): void {
  const amount = (units: bigint) =>
    `${(Number(units) / 10 ** currency.decimals).toFixed(currency.decimals)} ${currency.symbol}`
  say(`\n${prompt}${text}\n`)
  say(`${tokens.input} tokens read and ${tokens.output} written cost ${amount(charged)}. Of it:`)
  const rows = [
    ['machine', paid.machine, `its owner, by a royalty of ${parts.machine / 100} %`],
    ['model', paid.model, `its owner, by a royalty of ${parts.model / 100} %`],
    ['data', paid.data, `its owner, by a royalty of ${parts.data / 100} %`],
    ['service', paid.service, 'its owner, what is left'],
    ['fee', paid.fee, 'the protocol’s account'],
  ] as const
  for (const [name, units, to] of rows) say(`  ${name.padEnd(8)} ${amount(units).padStart(14)}  to ${to}`)
  const sum = Object.values(paid).reduce((total, units) => total + units, 0n)
  say(
    `  ${'sum'.padEnd(8)} ${amount(sum).padStart(14)}  ${sum === charged ? 'is what was charged' : 'IS NOT WHAT WAS CHARGED'}`,
  )
  if (sum !== charged) process.exitCode = 1
}

main().catch((error: unknown) => {
  if (!(error instanceof TrainError) && !(error instanceof TypeError)) throw error
  say(`${error.message}\nUse: ${usage}`)
  process.exitCode = 2
})
