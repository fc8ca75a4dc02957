import { type Logger, pino } from 'pino'

/** Logs are objects with an `event` and ids; never keys, payloads or a buyer's data. */
export type Log = Pick<Logger, 'trace' | 'debug' | 'info' | 'warn' | 'error'>

/** Logs JSON lines to standard error; standard output is for what programs read. */
export function createLog(level: string): Log {
  return pino(
    { level, base: null, timestamp: pino.stdTimeFunctions.isoTime },
    pino.destination({ fd: 2, sync: true }),
  )
}
