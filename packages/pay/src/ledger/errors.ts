import { MillraceError } from '@millrace/sdk/errors'
import type { Address, Hash } from 'viem'
import type { ChannelSnapshot } from './snapshot.ts'

/** The channel is not one that this seller takes: another payee, currency, or too short a delay. */
export class ChannelForeignError extends MillraceError {
  override readonly name = 'ChannelForeignError'
  static readonly code = 'CHANNEL_FOREIGN'
  constructor(options: { channel: Hash; field: string; value: unknown; wanted: unknown }) {
    super({
      code: ChannelForeignError.code,
      message: `Channel '${options.channel}' has ${options.field} '${options.value}'; here it is '${options.wanted}'.`,
      remedy: 'Open a channel with the terms of the 402 answer.',
      details: options,
    })
  }
}

/** The channel is not open on chain, or the chain that this seller sees does not show it yet. */
export class ChannelNotOpenError extends MillraceError {
  override readonly name = 'ChannelNotOpenError'
  static readonly code = 'CHANNEL_NOT_OPEN'
  constructor(options: { channel: Hash; state: string }) {
    super({
      code: ChannelNotOpenError.code,
      message: `Channel '${options.channel}' cannot be used: on chain it is '${options.state}'.`,
      remedy: 'Open it, or wait until its opening is confirmed; one that is closing takes no new payments.',
      details: options,
    })
  }
}

/** The voucher is not signed by the channel's signer, or altered since. */
export class VoucherSignatureError extends MillraceError {
  override readonly name = 'VoucherSignatureError'
  static readonly code = 'VOUCHER_SIGNATURE_INVALID'
  constructor(options: { channel: Hash; signer: Address }) {
    super({
      code: VoucherSignatureError.code,
      message: `The voucher on channel '${options.channel}' is not signed by '${options.signer}'.`,
      remedy: 'Sign the voucher with the channel’s signer, in the domain of the 402 answer.',
      details: options,
    })
  }
}

/** What was promised on the channel does not cover what was served on it and this request. */
export class VoucherTooLowError extends MillraceError {
  override readonly name = 'VoucherTooLowError'
  static readonly code = 'VOUCHER_TOO_LOW'
  /** Where the channel stands here, so that a payer who lost its state can go on. */
  readonly snapshot: ChannelSnapshot
  constructor(options: { channel: Hash; worth: bigint; needed: bigint; snapshot: ChannelSnapshot }) {
    const { channel, worth, needed, snapshot } = options
    super({
      code: VoucherTooLowError.code,
      message: `The vouchers on channel '${channel}' are worth ${worth}; ${needed} are needed.`,
      remedy: `Sign a voucher of at least ${needed}.`,
      details: { channel, worth, needed },
    })
    this.snapshot = snapshot
  }
}

/** The voucher promises more than the channel holds. */
export class DepositTooLowError extends MillraceError {
  override readonly name = 'DepositTooLowError'
  static readonly code = 'DEPOSIT_TOO_LOW'
  constructor(options: { channel: Hash; worth: bigint; deposit: bigint }) {
    super({
      code: DepositTooLowError.code,
      message: `The voucher on channel '${options.channel}' is worth ${options.worth}; the channel holds ${options.deposit}.`,
      remedy: 'Top the channel up, then send the voucher again.',
      details: options,
    })
  }
}

/** Ticks were shown that no voucher stands behind. */
export class TickForeignError extends MillraceError {
  override readonly name = 'TickForeignError'
  static readonly code = 'TICK_FOREIGN'
  constructor(options: { channel: Hash; anchor: Hash | null }) {
    super({
      code: TickForeignError.code,
      message: `The tick on channel '${options.channel}' is not of the voucher that counts, whose anchor is '${options.anchor}'.`,
      remedy: 'Send the voucher of this hash chain first; its sum must include all ticks spent before.',
      details: options,
    })
  }
}

/** More was to be charged than was held. */
export class OverchargeError extends MillraceError {
  override readonly name = 'OverchargeError'
  static readonly code = 'OVERCHARGE'
  constructor(options: { amount: bigint; held: bigint }) {
    super({
      code: OverchargeError.code,
      message: `${options.amount} cannot be charged: ${options.held} are held.`,
      remedy: 'Extend the hold before more is served.',
      details: options,
    })
  }
}

/** The hold was captured or released before. */
export class HoldSpentError extends MillraceError {
  override readonly name = 'HoldSpentError'
  static readonly code = 'HOLD_SPENT'
  constructor(options: { channel: Hash }) {
    super({
      code: HoldSpentError.code,
      message: `The hold on channel '${options.channel}' was captured or released before.`,
      details: options,
    })
  }
}

/** The authorization that came with a payment is not sent. */
export class FundingRefusedError extends MillraceError {
  override readonly name = 'FundingRefusedError'
  static readonly code = 'FUNDING_REFUSED'
  constructor(options: { channel: Hash; amount: bigint; least: bigint | null }) {
    const { channel, amount, least } = options
    super({
      code: FundingRefusedError.code,
      message:
        least === null
          ? `This seller sends no authorization that funds channel '${channel}'.`
          : `An authorization of ${amount} for channel '${channel}' is not sent; it must bring ${least} at least.`,
      remedy: 'Put more into the channel, or fund it by a transaction of your own.',
      details: options,
    })
  }
}

/** The payee agreed to end the channel: nothing is served on it until that can no longer be used. */
export class ChannelEndingError extends MillraceError {
  override readonly name = 'ChannelEndingError'
  static readonly code = 'CHANNEL_ENDING'
  constructor(options: { channel: Hash; deadline: number }) {
    super({
      code: ChannelEndingError.code,
      message: `The end of channel '${options.channel}' is agreed; it is good until ${options.deadline} by the chain's clock.`,
      remedy: 'Close the channel with what was signed, or wait until that has expired.',
      details: options,
    })
  }
}

/** Requests are being served on the channel, so nobody knows yet what it comes to. */
export class ChannelBusyError extends MillraceError {
  override readonly name = 'ChannelBusyError'
  static readonly code = 'CHANNEL_BUSY'
  constructor(options: { channel: Hash; requests: number }) {
    super({
      code: ChannelBusyError.code,
      message: `Channel '${options.channel}' cannot be ended: ${options.requests} requests on it are not answered yet.`,
      remedy: 'Wait for the answers, then ask again.',
      details: options,
    })
  }
}

/** The end was asked for at another sum than what was charged. */
export class CloseSumError extends MillraceError {
  override readonly name = 'CloseSumError'
  static readonly code = 'CLOSE_SUM_WRONG'
  /** Where the channel stands here. */
  readonly snapshot: ChannelSnapshot
  constructor(options: { channel: Hash; asked: bigint; spent: bigint; snapshot: ChannelSnapshot }) {
    const { channel, asked, spent, snapshot } = options
    super({
      code: CloseSumError.code,
      message: `Channel '${channel}' cannot be ended at ${asked}: ${spent} were charged.`,
      remedy: `Ask for the end at ${spent}.`,
      details: { channel, asked, spent },
    })
    this.snapshot = snapshot
  }
}

/** The end was asked for by a voucher that is none of this wish, or until a time that is over or too far away. */
export class CloseRequestInvalidError extends MillraceError {
  override readonly name = 'CloseRequestInvalidError'
  static readonly code = 'CLOSE_REQUEST_INVALID'
  constructor(options: { channel: Hash; field: string; value: unknown; wanted: unknown }) {
    super({
      code: CloseRequestInvalidError.code,
      message: `The end of channel '${options.channel}' cannot be asked for with ${options.field} '${options.value}'; wanted is '${options.wanted}'.`,
      remedy:
        'Sign a voucher without ticks whose terms name the deadline; docs/specs/channel-payments.md has the form.',
      details: options,
    })
  }
}

/** This seller signs no ends of channels. */
export class CloseUnsupportedError extends MillraceError {
  override readonly name = 'CloseUnsupportedError'
  static readonly code = 'CLOSE_UNSUPPORTED'
  constructor() {
    super({
      code: CloseUnsupportedError.code,
      message: 'This seller does not agree to end channels.',
      remedy: 'Announce the end on chain with `requestClose`, and take the rest back after the delay.',
      details: {},
    })
  }
}
