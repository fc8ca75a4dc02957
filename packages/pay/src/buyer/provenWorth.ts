import { type ChannelsDomain, hashVoucher, recoverSigner, verifyTick, voucherWorth } from '@millrace/sdk'
import { type Address, type Hash, isAddressEqual } from 'viem'
import type { ChannelSnapshot } from '../ledger/snapshot.ts'

/**
 * What a snapshot proves that a signer promised, in base units: its voucher if the signer signed it for this life of the channel, and the
 * ticks whose last word is shown, for nobody else knows the words before they are paid with.
 */
export async function provenWorth(
  { best, ticks, word }: ChannelSnapshot,
  of: {
    readonly domain: ChannelsDomain
    readonly signer: Address
    readonly id: Hash
    readonly epoch: bigint
  },
): Promise<bigint> {
  if (best === null) return 0n
  const { voucher, signature } = best
  if (voucher.channel !== of.id || voucher.epoch !== of.epoch) return 0n
  const by = await recoverSigner(hashVoucher(voucher, of.domain), signature)
  if (by === null || !isAddressEqual(by, of.signer)) return 0n
  if (ticks === 0 || word == null) return voucher.cumulative
  try {
    verifyTick({ word, ticks }, voucher)
    return voucherWorth(voucher, ticks)
  } catch {
    return voucher.cumulative
  }
}
