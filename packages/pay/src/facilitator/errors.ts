import { MillraceError } from '@millrace/sdk/errors'

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
