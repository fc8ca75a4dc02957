import { type Hash, hashTypedData } from 'viem'
import { type ChannelsDomain, channelsDomain, voucherTypes } from './domain.ts'
import type { Voucher } from './voucher.ts'

/**
 * Hashes a voucher to what its signer signs. Needs no chain.
 *
 * @param voucher The voucher.
 * @param domain Chain id and address of the channels contract; a deployment will do.
 * @returns 32 bytes in hex, equal to `IChannels.hashVoucher`.
 * @see https://eips.ethereum.org/EIPS/eip-712
 * @example
 * const digest = hashVoucher(voucher, deployment)
 */
export function hashVoucher(voucher: Voucher, domain: ChannelsDomain): Hash {
  return hashTypedData({
    domain: channelsDomain(domain),
    types: voucherTypes,
    primaryType: 'Voucher',
    message: voucher,
  })
}
