import { parseArgs } from 'node:util'
import { loadModel, TrainError } from '@millrace/example-train-lm'
import { serveModel } from './serveModel.ts'

const usage =
  'Use: node --conditions=source --import tsx examples/serve-lm/src/main.ts --model DIR [--name NAME] [--port N]'

/** The serving program: serves the model in a folder until it is interrupted. */
async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      model: { type: 'string', default: 'millrace-out/train-lm/out' },
      name: { type: 'string', default: 'millrace-lm' },
      port: { type: 'string', default: '0' },
    },
  })
  const port = Number(values.port)
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    console.error(`--port is "${values.port}"; allowed is a whole number from 0 to 65535.\n${usage}`)
    process.exitCode = 2
    return
  }
  const { url, close } = await serveModel(await loadModel(values.model), { name: values.name, port })
  console.log(url)
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void close())
}

main().catch((error: unknown) => {
  if (!(error instanceof TrainError)) throw error
  console.error(`${error.code}: ${error.message}`)
  process.exitCode = 2
})
