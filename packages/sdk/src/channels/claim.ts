import { type Hash, zeroHash } from 'viem'
import type { Channel } from './channel.ts'
import type { SignedVoucher } from './voucher.ts'

/** A voucher presented for payment, with the ticks that were shown on it. */
export interface VoucherClaim extends SignedVoucher {
  readonly channel: Channel
  /** The word of the voucher's hash chain that was shown last. */
  readonly word?: Hash
  /** Ticks that the word pays in all. Default 0. */
  readonly ticks?: number
}

/** A claim as the contract takes it. */
export const claimArgument = ({ channel, voucher, signature, word = zeroHash, ticks = 0 }: VoucherClaim) => ({
  channel,
  voucher,
  signature,
  word,
  ticks,
})

/** A claim of nothing: with an empty signature only the channel counts. */
export const emptyClaim = (channel: Channel) =>
  claimArgument({
    channel,
    voucher: {
      channel: zeroHash,
      epoch: 0n,
      cumulative: 0n,
      anchor: zeroHash,
      tickPrice: 0n,
      maxTicks: 0,
      terms: zeroHash,
    },
    signature: '0x',
  })
