import { MillraceError, type MillraceErrorOptions } from '@millrace/sdk'
import type { ExitCode } from './exitCodes.ts'

/** Base of every failure of the command: an SDK error that also knows the exit code it ends the process with. */
export class CliError extends MillraceError {
  override readonly name: string = 'CliError'
  readonly exitCode: ExitCode

  constructor(options: MillraceErrorOptions & { readonly exitCode: ExitCode }) {
    super(options)
    this.exitCode = options.exitCode
  }
}
