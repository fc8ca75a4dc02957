import type { Hex } from 'viem'
import type { Signer } from '../accounts/signer.ts'
import { type ChannelsDomain, channelsDomain, voucherTypes } from './domain.ts'
import type { Voucher } from './voucher.ts'

/**
 * Signs a voucher as the channel's signer. Sign what is owed, never a ceiling: the payee may claim all of it.
 *
 * @param signer The account that the channel names as its signer.
 * @param voucher The voucher.
 * @param domain Chain id and address of the channels contract; a deployment will do.
 * @returns The signature, 65 bytes.
 * @example
 * const signature = await signVoucher(agent, voucher, deployment)
 */
export function signVoucher(signer: Signer, voucher: Voucher, domain: ChannelsDomain): Promise<Hex> {
  return signer.signTypedData({
    domain: channelsDomain(domain),
    types: voucherTypes,
    primaryType: 'Voucher',
    message: voucher,
  })
}
