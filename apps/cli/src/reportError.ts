import { exitCodes } from './errors/exitCodes.ts'
import { theme } from './output/theme.ts'

interface Known {
  readonly code: string
  readonly message: string
  readonly remedy?: string | undefined
  readonly retryable?: boolean
  readonly details?: unknown
  readonly exitCode?: number
}

/** Exit codes of errors that come from the SDK, which knows none. */
function exitCodeOf(error: Known): number {
  if (error.exitCode !== undefined) return error.exitCode
  if (error.code.startsWith('GATEWAY_UN') || error.code.startsWith('RPC')) return exitCodes.unavailable
  if (error.code === 'QUERY_INVALID' || error.code === 'QUERY') return exitCodes.usage
  if (error.code === 'BUDGET_EXCEEDED' || error.code === 'DEPOSIT_LIMIT') return exitCodes.money
  if (error.code === 'INVALID_INPUT') return exitCodes.data
  if (error.code === 'STATEMENT_UNBALANCED') return exitCodes.internal
  return error.retryable === true ? exitCodes.later : exitCodes.refused
}

const isKnown = (error: unknown): error is Known =>
  error instanceof Error && 'code' in error && 'remedy' in error && typeof error.code === 'string'

/** Says what went wrong and what to do about it, then ends the process with the error's exit code. */
export async function endWithError(error: unknown): Promise<never> {
  // Commander has said what is wrong, or has shown the help that was asked for.
  if (
    error instanceof Error &&
    'exitCode' in error &&
    'code' in error &&
    String(error.code).startsWith('commander.')
  )
    process.exit(error.exitCode === 0 ? 0 : exitCodes.usage)

  const isJson = process.argv.slice(2, endOfOptions(process.argv)).includes('--json')
  const known = isKnown(error)
  const message = error instanceof Error ? shortMessage(error) : String(error)
  const code = known ? error.code : 'INTERNAL'
  if (isJson) {
    const { remedy, retryable = false, details } = known ? error : { remedy: undefined, details: undefined }
    const text = JSON.stringify(
      { error: { code, message, remedy, retryable, details } },
      (_, value: unknown) => (typeof value === 'bigint' ? value.toString() : value),
    )
    process.stdout.write(`${text}\n`)
  } else {
    process.stderr.write(`${theme.red('error:')} ${message}\n`)
    if (known && error.remedy !== undefined) process.stderr.write(`${theme.dim('  →')} ${error.remedy}\n`)
    if (!known)
      process.stderr.write(
        `${theme.dim('  →')} This is a defect of Millrace. MILLRACE_DEBUG=1 shows where.\n`,
      )
  }
  if (process.env.MILLRACE_DEBUG && error instanceof Error) process.stderr.write(`${error.stack}\n`)
  // Written text must reach a pipe before the process ends.
  await new Promise((done) => process.stdout.write('', done))
  process.exit(known ? exitCodeOf(error) : exitCodes.internal)
}

/** viem's errors carry pages of context behind a short sentence. */
const shortMessage = (error: Error) =>
  'shortMessage' in error && typeof error.shortMessage === 'string' ? error.shortMessage : error.message

const endOfOptions = (argv: readonly string[]) => {
  const index = argv.indexOf('--')
  return index === -1 ? argv.length : index
}
