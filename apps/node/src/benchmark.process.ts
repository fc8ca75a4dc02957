import { parseArgs } from 'node:util'
import { MillraceError } from '@millrace/sdk'
import { benchmarkMachine } from './challenge/index.ts'
import { nodePaths } from './config/nodePaths.ts'
import { detectMachine } from './detect/index.ts'
import { writeMeasurement } from './offers/measurement.ts'

/**
 * Measures this machine, as a process: `benchmark.process [--home DIR]`; keeps the result there for the offers. Prints JSON lines: `{"event":"machine",…}`,
 * `{"event":"progress",…}` for each step, and last `{"event":"benchmark",…}` or `{"event":"failed",code,message,remedy}`.
 * Exit code 0 or 1.
 */
const say = (event: string, value: object) => process.stdout.write(`${JSON.stringify({ event, ...value })}\n`)
const { home } = parseArgs({ options: { home: { type: 'string' } } }).values
const ending = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => ending.abort())
try {
  const folder = nodePaths(home).home
  const machine = await detectMachine({ home: folder })
  say('machine', machine)
  const benchmark = await benchmarkMachine({
    machine,
    home: folder,
    signal: ending.signal,
    onProgress: (progress) => say('progress', progress),
  })
  // A node of this home offers it from its next round on.
  await writeMeasurement(nodePaths(home).benchmark, { machine, benchmark })
  say('benchmark', benchmark)
} catch (error) {
  const { code, message, remedy } =
    error instanceof MillraceError ? error : { code: 'INTERNAL', message: String(error), remedy: undefined }
  say('failed', { code, message, remedy })
  process.exitCode = 1
}
