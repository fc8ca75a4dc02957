import type { Channel, ChannelsDomain, Voucher } from '@millrace/sdk'
import type { Hash } from 'viem'
import type { Curve } from '../curve/openCurve.ts'
import { createTypedHasher } from '../curve/typedData.ts'
import { toHex, writeHex, writeUint } from '../curve/words.ts'

const channelType =
  'Channel(address payer,address signer,address payee,uint256 asset,address currency,uint40 closeDelay,bytes32 salt)'
const voucherType =
  'Voucher(bytes32 channel,uint64 epoch,uint128 cumulative,bytes32 anchor,uint64 tickPrice,uint32 maxTicks,bytes32 terms)'

/** Digests of one channels contract, laid out by hand. */
export interface ChannelHasher {
  /** Id of a channel. */
  channel(channel: Channel): Hash
  /** The 32 bytes that a voucher's signer signs. */
  voucher(voucher: Voucher): Uint8Array
}

/**
 * Makes the functions that hash channels and vouchers of one channels contract, some six times faster than the SDK's `hashChannel`
 * and `hashVoucher`, to the same digests.
 *
 * @param curve The hash function.
 * @param domain Chain id and address of the channels contract; a deployment will do.
 * @see https://eips.ethereum.org/EIPS/eip-712
 * @example
 * const digest = createChannelHasher(await openCurve(), deployment).voucher(voucher)
 */
export function createChannelHasher(curve: Curve, domain: ChannelsDomain): ChannelHasher {
  const hasher = createTypedHasher(curve)
  const { chainId, channels: verifyingContract } = domain
  const typed = { name: 'Millrace Channels', version: '1', chainId, verifyingContract }
  const channelHash = hasher.typeHash(channelType)
  const voucherHash = hasher.typeHash(voucherType)
  // Both structs have seven fields; what one call wrote is hashed before the next begins.
  const words = new Uint8Array(256)
  const digest = (typeHash: Uint8Array) => {
    words.set(typeHash, 0)
    return hasher.digest(typed, words)
  }
  return {
    channel({ payer, signer, payee, asset, currency, closeDelay, salt }) {
      words.fill(0)
      writeHex(words, 64, payer)
      writeHex(words, 96, signer)
      writeHex(words, 128, payee)
      writeUint(words, 160, asset)
      writeHex(words, 192, currency)
      writeUint(words, 224, BigInt(closeDelay))
      writeHex(words, 256, salt)
      return toHex(digest(channelHash))
    },
    voucher({ channel, epoch, cumulative, anchor, tickPrice, maxTicks, terms }) {
      words.fill(0)
      writeHex(words, 64, channel)
      writeUint(words, 96, epoch)
      writeUint(words, 128, cumulative)
      writeHex(words, 160, anchor)
      writeUint(words, 192, tickPrice)
      writeUint(words, 224, BigInt(maxTicks))
      writeHex(words, 256, terms)
      return digest(voucherHash)
    },
  }
}
