import { CliError } from './CliError.ts'
import { exitCodes } from './exitCodes.ts'

/** An amount of money cannot be read. */
export class AmountInvalidError extends CliError {
  override readonly name = 'AmountInvalidError'
  static readonly code = 'AMOUNT_INVALID'
  constructor(options: { text: string; decimals: number; symbol: string }) {
    super({
      code: AmountInvalidError.code,
      message: `'${options.text}' is not an amount of ${options.symbol}.`,
      remedy: `Write it in whole units with at most ${options.decimals} decimals, such as 12.5.`,
      exitCode: exitCodes.usage,
      details: options,
    })
  }
}

/** A length of time cannot be read. */
export class DurationInvalidError extends CliError {
  override readonly name = 'DurationInvalidError'
  static readonly code = 'DURATION_INVALID'
  constructor(options: { text: string }) {
    super({
      code: DurationInvalidError.code,
      message: `'${options.text}' is not a length of time.`,
      remedy: 'Write it as 90s, 15m, 2h, 1d, or a sum such as 1h30m; a bare number means seconds.',
      exitCode: exitCodes.usage,
      details: options,
    })
  }
}

/** The command line is wrong. */
export class UsageError extends CliError {
  override readonly name = 'UsageError'
  static readonly code = 'USAGE'
  constructor(options: { message: string; remedy?: string }) {
    super({
      code: UsageError.code,
      message: options.message,
      remedy: options.remedy ?? 'See `millrace <command> --help`.',
      exitCode: exitCodes.usage,
    })
  }
}

/** A question would have to be asked and nobody is there to answer. */
export class ConfirmationRequiredError extends CliError {
  override readonly name = 'ConfirmationRequiredError'
  static readonly code = 'CONFIRMATION_REQUIRED'
  constructor(options: { question: string }) {
    super({
      code: ConfirmationRequiredError.code,
      message: `This needs a yes, and there is no terminal to ask: ${options.question}`,
      remedy: 'Add `--yes` to agree beforehand.',
      exitCode: exitCodes.refused,
      details: options,
    })
  }
}

/** The person who was asked said no. */
export class DeclinedError extends CliError {
  override readonly name = 'DeclinedError'
  static readonly code = 'DECLINED'
  constructor() {
    super({
      code: DeclinedError.code,
      message: 'Nothing was done: you said no.',
      exitCode: exitCodes.refused,
    })
  }
}
