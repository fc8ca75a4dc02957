import { MillraceError } from '@millrace/sdk/errors'

/** A payment would pass a limit of the budget. Nothing was paid. */
export class BudgetExceededError extends MillraceError {
  override readonly name = 'BudgetExceededError'
  static readonly code = 'BUDGET_EXCEEDED'
  constructor(options: {
    limit: string
    amount: bigint
    used: bigint
    most: bigint
    subject: string | null
  }) {
    const { limit, amount, used, most, subject } = options
    const whom = subject === null ? '' : ` for '${subject}'`
    super({
      code: BudgetExceededError.code,
      message: `A payment of ${amount} would pass the budget's limit ${limit}${whom}: ${used} of ${most} are used.`,
      remedy: 'Wait until the period is over, or have the budget raised by who owns it.',
      details: options,
    })
  }
}

/** The reservation was captured or released before. */
export class ReservationSpentError extends MillraceError {
  override readonly name = 'ReservationSpentError'
  static readonly code = 'RESERVATION_SPENT'
  constructor(options: { id: string }) {
    super({
      code: ReservationSpentError.code,
      message: `The reservation '${options.id}' was captured or released before.`,
      details: options,
    })
  }
}

/** More was to be captured than was reserved. */
export class CaptureTooHighError extends MillraceError {
  override readonly name = 'CaptureTooHighError'
  static readonly code = 'CAPTURE_TOO_HIGH'
  constructor(options: { id: string; amount: bigint; reserved: bigint }) {
    super({
      code: CaptureTooHighError.code,
      message: `${options.amount} cannot be captured of reservation '${options.id}': ${options.reserved} are reserved.`,
      remedy: 'Reserve more before more is spent.',
      details: options,
    })
  }
}

/** A payment of that reference was made before. */
export class PaymentRepeatedError extends MillraceError {
  override readonly name = 'PaymentRepeatedError'
  static readonly code = 'PAYMENT_REPEATED'
  constructor(options: { ref: string }) {
    super({
      code: PaymentRepeatedError.code,
      message: `A payment with the reference '${options.ref}' was made before.`,
      remedy: 'Take another reference for another payment.',
      details: options,
    })
  }
}

/** The server asks for payment in no way that this buyer can or may pay. */
export class NoWayToPayError extends MillraceError {
  override readonly name = 'NoWayToPayError'
  static readonly code = 'NO_WAY_TO_PAY'
  constructor(options: {
    url: string
    reasons: readonly string[]
    /** Base units: what it costs at least, where nothing but the price stands against it, and the most that may be paid. */
    price?: { readonly amount: bigint; readonly most: bigint }
  }) {
    super({
      code: NoWayToPayError.code,
      message: `'${options.url}' cannot be paid: ${options.reasons.join('; ') || 'it names no way to pay'}.`,
      remedy:
        'Nothing was paid. Choose another seller, or configure the currency, chain or scheme that it asks for.',
      details: options,
    })
  }
}

/** The server answered 402 with something that is no offer to be paid. */
export class PaymentRequiredInvalidError extends MillraceError {
  override readonly name = 'PaymentRequiredInvalidError'
  static readonly code = 'PAYMENT_REQUIRED_INVALID'
  constructor(options: { url: string; reason: string; cause?: unknown }) {
    super({
      code: PaymentRequiredInvalidError.code,
      message: `'${options.url}' answered 402 without a valid offer: ${options.reason}.`,
      remedy: 'Nothing was paid. Tell the seller.',
      details: { url: options.url, reason: options.reason },
      cause: options.cause,
    })
  }
}

/** The server asks for something else than it quoted: more money, another payee, another place. */
export class QuoteChangedError extends MillraceError {
  override readonly name = 'QuoteChangedError'
  static readonly code = 'QUOTE_CHANGED'
  constructor(options: { url: string; field: string; quoted: string; asked: string }) {
    super({
      code: QuoteChangedError.code,
      message: `'${options.url}' quoted ${options.field} '${options.quoted}' and then asked for '${options.asked}'.`,
      remedy: 'It was not paid. If the change is meant, forget the old quote and ask again.',
      details: options,
    })
  }
}

/** The server was paid as it asked and asks again. */
export class PaymentLoopError extends MillraceError {
  override readonly name = 'PaymentLoopError'
  static readonly code = 'PAYMENT_LOOP'
  constructor(options: { url: string; attempts: number; reason: string }) {
    super({
      code: PaymentLoopError.code,
      message: `'${options.url}' was offered payment ${options.attempts} times and refuses: ${options.reason}.`,
      remedy: 'What was signed can be claimed and counts against the budget. Do not go on with this seller.',
      details: options,
    })
  }
}

/** The server answered a payment by saying that it was not settled, and asks for nothing else. */
export class PaymentNotSettledError extends MillraceError {
  override readonly name = 'PaymentNotSettledError'
  static readonly code = 'PAYMENT_NOT_SETTLED'
  constructor(options: { url: string; reason: string }) {
    super({
      code: PaymentNotSettledError.code,
      message: `'${options.url}' says that the payment was not settled: ${options.reason}.`,
      remedy: 'What was signed can still be settled until it expires and counts against the budget.',
      details: options,
    })
  }
}

/** A seller claims more than the payer ever signed. */
export class SnapshotForgedError extends MillraceError {
  override readonly name = 'SnapshotForgedError'
  static readonly code = 'SNAPSHOT_FORGED'
  constructor(options: { channel: string; reason: string }) {
    super({
      code: SnapshotForgedError.code,
      message: `What the seller says of channel '${options.channel}' cannot be true: ${options.reason}.`,
      remedy: 'It was not believed and not paid. Close the channel.',
      details: options,
    })
  }
}

/** A channel would hold more than the wallet may lock in one. */
export class DepositLimitError extends MillraceError {
  override readonly name = 'DepositLimitError'
  static readonly code = 'DEPOSIT_LIMIT'
  constructor(options: { channel: string; needed: bigint; most: bigint }) {
    super({
      code: DepositLimitError.code,
      message: `Channel '${options.channel}' would have to hold ${options.needed}; at most ${options.most} may be locked in one.`,
      remedy: 'Close the channel and start its next life, or allow a larger deposit.',
      details: options,
    })
  }
}

/** The seller does not agree to end the channel, or not to what was asked. */
export class CloseRefusedError extends MillraceError {
  override readonly name = 'CloseRefusedError'
  static readonly code = 'CLOSE_REFUSED'
  constructor(options: { channel: string; url: string; reason: string }) {
    super({
      code: CloseRefusedError.code,
      message: `The seller at '${options.url}' does not end channel '${options.channel}': ${options.reason}.`,
      remedy: 'Announce the end on chain with `requestClose`, and take the rest back after the delay.',
      details: options,
    })
  }
}

/** The seller does not give back what was not charged. */
export class RefundRefusedError extends MillraceError {
  override readonly name = 'RefundRefusedError'
  static readonly code = 'REFUND_REFUSED'
  constructor(options: { url: string; reason: string }) {
    super({
      code: RefundRefusedError.code,
      message: `The seller at '${options.url}' gives nothing back: ${options.reason}.`,
      remedy: 'Announce a withdrawal on chain, and take the rest back after the channel’s delay.',
      details: options,
    })
  }
}
