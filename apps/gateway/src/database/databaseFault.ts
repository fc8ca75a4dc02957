import { DatabaseUnavailable } from './errors.ts'

/**
 * SQLSTATE classes that say the server is not in order, not the statement: connection, resources (a full disk), limits,
 * intervention, system and internal errors; `25006` is a server that only reads.
 */
const UNAVAILABLE = /^(08|53|54|57|58|F0|XX)|^25006$/

/** Codes of the system below the drivers. */
const SYSTEM = /^(ECONN|EPIPE|ENOSPC|EIO|EROFS|EDQUOT|ETIMEDOUT|ENOTFOUND)/

/** The error as people see it if it means that the database is not in order; otherwise undefined. */
export function databaseFault(error: unknown): DatabaseUnavailable | undefined {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof DatabaseUnavailable) return cause
    const code = 'code' in cause ? String(cause.code) : ''
    if (SYSTEM.test(code)) return new DatabaseUnavailable(error)
    if (code.length === 5 && UNAVAILABLE.test(code)) return new DatabaseUnavailable(error)
    if (cause.message === 'PGlite is closed') return new DatabaseUnavailable(error)
  }
  return undefined
}
