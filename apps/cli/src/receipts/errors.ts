import { CliError } from '../errors/CliError.ts'
import { exitCodes } from '../errors/exitCodes.ts'

/** A file holds no receipt of a lease and none of a call. */
export class ReceiptUnreadableError extends CliError {
  override readonly name = 'ReceiptUnreadableError'
  static readonly code = 'RECEIPT_UNREADABLE'
  constructor(options: { path: string; reason: string; cause?: unknown }) {
    super({
      code: ReceiptUnreadableError.code,
      message: `'${options.path}' holds no receipt: ${options.reason}.`,
      remedy:
        'Give the receipt.json of a lease, what `millrace pay --json` printed, or the content of a header Millrace-Receipt.',
      exitCode: exitCodes.data,
      details: { path: options.path, reason: options.reason },
      cause: options.cause,
    })
  }
}

/** A receipt was altered, is signed by somebody else, or says something else than was expected. */
export class ReceiptRefutedError extends CliError {
  override readonly name = 'ReceiptRefutedError'
  static readonly code = 'RECEIPT_REFUTED'
  constructor(options: { path: string; reasons: readonly string[]; cause?: unknown }) {
    super({
      code: ReceiptRefutedError.code,
      message: `The receipt in '${options.path}' does not hold: ${options.reasons.join(' ')}`,
      remedy: 'Keep it as it came. Who signed the original can be asked for it again.',
      exitCode: exitCodes.data,
      details: { path: options.path, reasons: options.reasons },
      cause: options.cause,
    })
  }
}
