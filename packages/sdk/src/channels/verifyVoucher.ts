import { isAddressEqual } from 'viem'
import { recoverSigner } from '../accounts/recoverSigner.ts'
import { VoucherForeignError } from '../errors/channels.ts'
import { SignatureInvalidError } from '../errors/market.ts'
import type { Channel } from './channel.ts'
import type { ChannelsDomain } from './domain.ts'
import { hashChannel } from './hashChannel.ts'
import { hashVoucher } from './hashVoucher.ts'
import type { SignedVoucher } from './voucher.ts'

/** What a voucher is held against. */
export interface VerifyVoucherOptions extends ChannelsDomain {
  readonly channel: Channel
  /** Epoch of the channel on chain. */
  readonly epoch: bigint
}

/**
 * Makes every check of a voucher that needs no chain: right channel, right epoch, signed by the channel's signer as strictly as
 * the contract wants it. Whether the deposit covers it is left to whoever knows the deposit.
 *
 * @param signed The voucher and its signature.
 * @param options The channel it must be for, its epoch, chain id and address of the channels contract.
 * @throws VoucherForeignError | SignatureInvalidError
 * @example
 * await verifyVoucher({ voucher, signature }, { ...deployment, channel, epoch: 0n })
 */
export async function verifyVoucher(signed: SignedVoucher, options: VerifyVoucherOptions): Promise<void> {
  const { voucher, signature } = signed
  const { channel, epoch } = options
  const id = hashChannel(channel, options)
  if (voucher.channel !== id || voucher.epoch !== epoch) {
    throw new VoucherForeignError({
      channel: voucher.channel,
      epoch: voucher.epoch,
      wantedChannel: id,
      wantedEpoch: epoch,
    })
  }
  const recovered = await recoverSigner(hashVoucher(voucher, options), signature)
  if (recovered === null || !isAddressEqual(recovered, channel.signer))
    throw new SignatureInvalidError({ what: 'voucher', wanted: channel.signer, recovered })
}
