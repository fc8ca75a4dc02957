import { CliError } from '../errors/CliError.ts'
import { exitCodes } from '../errors/exitCodes.ts'

/** The file is no table of numbers, or not one that fits. */
export class SeriesInvalidError extends CliError {
  override readonly name = 'SeriesInvalidError'
  static readonly code = 'SERIES_INVALID'
  constructor(options: { path: string; reason: string }) {
    super({
      code: SeriesInvalidError.code,
      message: `'${options.path}' is not what is needed here: ${options.reason}.`,
      remedy: 'Give CSV with a line of names and one line a period, as `millrace risk revenue` prints it.',
      exitCode: exitCodes.data,
      details: options,
    })
  }
}
