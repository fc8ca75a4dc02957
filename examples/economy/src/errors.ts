import { MillraceError } from '@millrace/sdk/errors'

/** A command of the local network failed. */
export class CommandFailedError extends MillraceError {
  override readonly name = 'CommandFailedError'
  static readonly code = 'EXAMPLE_COMMAND_FAILED'
  constructor(options: { command: string; code: number | null; said: string }) {
    super({
      code: CommandFailedError.code,
      message: `\`millrace ${options.command}\` ended with ${options.code}: ${options.said}`,
      remedy: 'Run the command by hand to see what it lacks.',
    })
  }
}

/** An agent and its counterparty do not agree on what was charged. */
export class BooksDifferError extends MillraceError {
  override readonly name = 'BooksDifferError'
  static readonly code = 'EXAMPLE_BOOKS_DIFFER'
  constructor(options: { channel: string; payer: bigint; payee: bigint }) {
    super({
      code: BooksDifferError.code,
      message: `On channel '${options.channel}' the payer counts ${options.payer}, the payee ${options.payee}.`,
      remedy: 'Neither closes it together; the payee can claim what was signed.',
    })
  }
}

/** What was hired or bought cannot be had. */
export class DealFailedError extends MillraceError {
  override readonly name = 'DealFailedError'
  static readonly code = 'EXAMPLE_DEAL_FAILED'
  constructor(options: { what: string; why: string }) {
    super({
      code: DealFailedError.code,
      message: `${options.what} came to nothing: ${options.why}.`,
      remedy: 'Try again while the other side has something to give.',
      retryable: true,
    })
  }
}

/** A flag of the command line has a value that is not allowed. */
export class SecondsInvalidError extends MillraceError {
  override readonly name = 'SecondsInvalidError'
  static readonly code = 'EXAMPLE_SECONDS_INVALID'
  constructor(options: { given: string }) {
    super({
      code: SecondsInvalidError.code,
      message: `--seconds is '${options.given}'; allowed is a whole number from 10 to 3600.`,
      remedy: 'Give another number, or leave it out for 120.',
    })
  }
}
