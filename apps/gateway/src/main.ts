#!/usr/bin/env node
import { InvalidInputError, MillraceError } from '@millrace/sdk'
import pino from 'pino'
import { UsageWrong } from './errors/UsageWrong.ts'
import { type ProcessOptions, readOptions } from './readOptions.ts'
import { saveMemory } from './saveMemory.ts'
import { startGateway } from './startGateway.ts'

// A database inside this process is most of what it is made of.
saveMemory()

/** A gateway that cannot end in time is ended, milliseconds. */
const LAST_MS = 15_000

let options: ProcessOptions
try {
  options = readOptions(process.argv.slice(2), process.env)
} catch (error) {
  if (!(error instanceof UsageWrong) && !(error instanceof InvalidInputError)) throw error
  process.stderr.write(`${error.message}\n`)
  process.exit(2)
}
if (options.type === 'help') {
  process.stdout.write(options.text)
  process.exit(0)
}

const log = pino({ level: options.logLevel, base: null, timestamp: pino.stdTimeFunctions.isoTime })
try {
  const gateway = await startGateway({ ...options.gateway, log })
  const stop = (signal: NodeJS.Signals) => {
    log.info({ event: 'gateway.stopping', signal })
    setTimeout(() => process.exit(1), LAST_MS).unref()
    gateway.close().then(
      () => process.exit(0),
      (error: unknown) => {
        log.error({ event: 'gateway.stop_failed', cause: String(error) })
        process.exit(1)
      },
    )
  }
  process.once('SIGTERM', stop)
  process.once('SIGINT', stop)
} catch (error) {
  const code = error instanceof MillraceError ? error.code : 'START_FAILED'
  log.fatal({
    event: 'gateway.start_failed',
    code,
    message: error instanceof Error ? error.message : String(error),
  })
  process.exit(1)
}
