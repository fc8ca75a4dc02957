import { RunnerError } from '../../errors.ts'

/** An output pattern names something outside the work folder. */
export class OutputPatternError extends RunnerError {
  constructor(options: { pattern: string; reason: string }) {
    super({
      code: 'OUTPUT_PATTERN',
      message: `The output pattern ${JSON.stringify(options.pattern)} ${options.reason}.`,
      remedy: 'Name outputs relative to the work folder, as in "out/**".',
    })
  }
}
