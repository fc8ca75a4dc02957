import type { Hash } from 'viem'
import { MillraceError } from './MillraceError.ts'

/** The voucher is for another channel, or for another life of it. */
export class VoucherForeignError extends MillraceError {
  override readonly name = 'VoucherForeignError'
  static readonly code = 'VOUCHER_FOREIGN'
  constructor(options: { channel: Hash; epoch: bigint; wantedChannel: Hash; wantedEpoch: bigint }) {
    super({
      code: VoucherForeignError.code,
      message: `The voucher is for epoch ${options.epoch} of channel '${options.channel}'; here it is epoch ${options.wantedEpoch} of channel '${options.wantedChannel}'.`,
      remedy: 'Sign a voucher for this channel in its present epoch.',
      details: options,
    })
  }
}

/** More ticks than the voucher, or the contract, stands for. */
export class TicksTooManyError extends MillraceError {
  override readonly name = 'TicksTooManyError'
  static readonly code = 'TICKS_TOO_MANY'
  constructor(options: { ticks: number; max: number }) {
    super({
      code: TicksTooManyError.code,
      message: `${options.ticks} ticks are none; 1 to ${options.max} can be spent.`,
      remedy: 'Sign a new voucher with a fresh chain.',
      details: options,
    })
  }
}

/** The word does not lead to the voucher's anchor in so many steps. */
export class TickInvalidError extends MillraceError {
  override readonly name = 'TickInvalidError'
  static readonly code = 'TICK_INVALID'
  constructor(options: { ticks: number; anchor: Hash }) {
    super({
      code: TickInvalidError.code,
      message: `The word is not ${options.ticks} steps before the anchor '${options.anchor}'.`,
      remedy: 'Show the word of this chain that pays this number of ticks.',
      details: options,
    })
  }
}
