import { MillraceError } from '@millrace/sdk/errors'

/** Another facilitator that shares the journal has sent this settlement. */
export class SettlementTakenError extends MillraceError {
  override readonly name = 'SettlementTakenError'
  static readonly code = 'SETTLEMENT_TAKEN'
  constructor(options: { key: string }) {
    super({
      code: SettlementTakenError.code,
      message: `The settlement '${options.key}' has been sent by another facilitator of this journal.`,
      remedy: 'Ask again: what became of it is answered then.',
      details: options,
      retryable: true,
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
