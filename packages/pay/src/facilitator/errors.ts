import { MillraceError } from '@millrace/sdk/errors'

/** The file of settlements is damaged before its end: what had been acknowledged is lost. */
export class SettlementsCorruptError extends MillraceError {
  override readonly name = 'SettlementsCorruptError'
  static readonly code = 'SETTLEMENTS_CORRUPT'
  constructor(options: { path: string; line: number; cause?: unknown }) {
    super({
      code: SettlementsCorruptError.code,
      message: `Line ${options.line} of the settlements in '${options.path}' cannot be read.`,
      remedy: 'Restore the file; without it a payment may be settled twice or forgotten.',
      details: { path: options.path, line: options.line },
      cause: options.cause,
    })
  }
}

/** The facilitator was closed. */
export class FacilitatorClosedError extends MillraceError {
  override readonly name = 'FacilitatorClosedError'
  static readonly code = 'FACILITATOR_CLOSED'
  constructor() {
    super({
      code: FacilitatorClosedError.code,
      message: 'The facilitator was closed and settles nothing more.',
      remedy: 'Send the payment again once it is back: it is not settled twice.',
      retryable: true,
    })
  }
}
