import { CliError } from '../errors/CliError.ts'
import { exitCodes } from '../errors/exitCodes.ts'

/** Another command of this home is paying with the same wallet; its budget has one user at a time. */
export class PayerBusyError extends CliError {
  override readonly name = 'PayerBusyError'
  static readonly code = 'PAYER_BUSY'
  constructor(options: { payer: string; pid: number }) {
    super({
      code: PayerBusyError.code,
      message: `Process ${options.pid} is paying with '${options.payer}' at the moment.`,
      remedy: 'Try again when it is done, or pay with another wallet.',
      exitCode: exitCodes.later,
      retryable: true,
      details: options,
    })
  }
}

/** What is to be paid for does not answer. */
export class PayUrlDownError extends CliError {
  override readonly name = 'PayUrlDownError'
  static readonly code = 'PAY_URL_DOWN'
  constructor(options: { url: string; cause: unknown }) {
    const { url, cause } = options
    super({
      code: PayUrlDownError.code,
      message: `'${url}' does not answer.`,
      remedy:
        'Check the address. What was promised before it fell silent is in the budget: millrace channel ls.',
      exitCode: exitCodes.unavailable,
      retryable: true,
      details: { url },
      cause,
    })
  }
}
