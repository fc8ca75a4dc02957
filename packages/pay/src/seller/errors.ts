import { MillraceError } from '@millrace/sdk/errors'

/** A payment is not taken. `reason` is what the payer's client is told, in the names of its protocol. */
export class PaymentRefusedError extends MillraceError {
  override readonly name: string = 'PaymentRefusedError'
  static readonly code: string = 'PAYMENT_REFUSED'
  readonly reason: string
  constructor(options: { reason: string; message?: string; cause?: unknown }) {
    const { reason, message, cause } = options
    super({
      code: PaymentRefusedError.code,
      message: `The payment was refused: '${reason}'${message === undefined ? '' : `. ${message}`}`,
      remedy: 'Pay one of the ways of the 402 answer, with a new signature.',
      details: { reason },
      cause,
    })
    this.reason = reason
  }
}

/** Whether a payment was settled is not known yet. The same payment sent again is not charged twice. */
export class SettlementPendingError extends MillraceError {
  override readonly name = 'SettlementPendingError'
  static readonly code = 'SETTLEMENT_PENDING'
  constructor(options: { network: string; transaction: string; cause?: unknown }) {
    const { network, transaction, cause } = options
    super({
      code: SettlementPendingError.code,
      message: `Whether the payment was settled on '${network}' is not known yet${transaction === '' ? '' : `; its transaction is '${transaction}'`}.`,
      remedy: 'Repeat the request with the same payment: it is not charged twice.',
      retryable: true,
      details: { network, transaction },
      cause,
    })
  }
}

/** More was to be charged than the payment allows. */
export class CaptureExceedsError extends MillraceError {
  override readonly name = 'CaptureExceedsError'
  static readonly code = 'CAPTURE_EXCEEDS'
  constructor(options: { amount: bigint; ceiling: bigint }) {
    super({
      code: CaptureExceedsError.code,
      message: `${options.amount} base units were to be charged; the payment allows ${options.ceiling}.`,
      remedy: 'Charge what was agreed: exactly that with scheme exact, at most that with the others.',
      details: options,
    })
  }
}

/** The body of a paid request has more bytes than are read. */
export class PaidBodyTooLargeError extends MillraceError {
  override readonly name = 'PaidBodyTooLargeError'
  static readonly code = 'PAID_BODY_TOO_LARGE'
  constructor(options: { most: number }) {
    super({
      code: PaidBodyTooLargeError.code,
      message: `The body of the request is longer than ${options.most} bytes.`,
      remedy: 'Send less; nothing was charged.',
      details: options,
    })
  }
}

/** The same idempotency key came with another request. */
export class IdempotencyConflictError extends MillraceError {
  override readonly name = 'IdempotencyConflictError'
  static readonly code = 'IDEMPOTENCY_CONFLICT'
  constructor(options: { key: string }) {
    super({
      code: IdempotencyConflictError.code,
      message: `The idempotency key '${options.key}' was used for another request.`,
      remedy: 'Use a new key for a new request; nothing was charged.',
      details: options,
    })
  }
}

/** A receipt of a call is not what it should be: unsigned by the seller, or for something else. */
export class CallReceiptInvalidError extends MillraceError {
  override readonly name = 'CallReceiptInvalidError'
  static readonly code = 'CALL_RECEIPT_INVALID'
  constructor(options: { field: string; wanted: string; seen: string }) {
    super({
      code: CallReceiptInvalidError.code,
      message: `The receipt's ${options.field} is '${options.seen}'; '${options.wanted}' was expected.`,
      remedy: 'Keep the request and the receipt, and ask the seller.',
      details: options,
    })
  }
}

/** A facilitator did not answer, or not as its protocol says. */
export class FacilitatorUnreachableError extends MillraceError {
  override readonly name = 'FacilitatorUnreachableError'
  static readonly code = 'FACILITATOR_UNREACHABLE'
  constructor(options: { url: string; route: string; reason: string; cause?: unknown }) {
    const { url, route, reason, cause } = options
    super({
      code: FacilitatorUnreachableError.code,
      message: `The facilitator at '${url}' gave no answer to '${route}': ${reason}.`,
      remedy: 'Check its address; repeat the request with the same payment, it is not charged twice.',
      retryable: true,
      details: { url, route, reason },
      cause,
    })
  }
}

/** An answer that is paid while it streams was ended, because the payer promised no more. */
export class MoneyRanOutError extends MillraceError {
  override readonly name = 'MoneyRanOutError'
  static readonly code = 'MONEY_RAN_OUT'
  constructor(options: { used: bigint; held: bigint }) {
    const { used, held } = options
    super({
      code: MoneyRanOutError.code,
      message: `The answer was ended: ${used} base units of ${held} that are promised were used, and no more came.`,
      remedy: 'Send further payments with the header Millrace-Stream while the answer streams.',
      details: options,
    })
  }
}

/** Nothing streams here by that name. */
export class StreamUnknownError extends MillraceError {
  override readonly name = 'StreamUnknownError'
  static readonly code = 'STREAM_UNKNOWN'
  constructor(options: { stream: string }) {
    super({
      code: StreamUnknownError.code,
      message: `No answer streams here, or did in the last ten minutes, by the name '${options.stream}'.`,
      remedy:
        'Send payments to the server that began the answer, under the name in its header Millrace-Stream.',
      details: options,
    })
  }
}

/** A price is by a unit that nothing counts. Nobody was charged. */
export class MeterMissingError extends MillraceError {
  override readonly name = 'MeterMissingError'
  static readonly code = 'METER_MISSING'
  constructor(options: { unit: string }) {
    super({
      code: MeterMissingError.code,
      message: `The price is by the '${options.unit}', and nothing counts those.`,
      remedy: 'Give the price a `meter`, or sell by `token`, `byte` or `second`.',
      details: options,
    })
  }
}
