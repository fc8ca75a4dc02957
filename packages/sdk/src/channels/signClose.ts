import { type Hash, type Hex, hashTypedData } from 'viem'
import type { Signer } from '../accounts/signer.ts'
import { type ChannelsDomain, channelsDomain, closeTypes } from './domain.ts'

/** A payee's consent that a channel ends at once, with exactly `claimed` paid to it in all. */
export interface ChannelClosing {
  /** Id of the channel. */
  readonly channel: Hash
  /** Closes of the channel so far. */
  readonly epoch: bigint
  /** Base units, the last voucher included. */
  readonly claimed: bigint
  /** Last second at which it is good. */
  readonly deadline: number
}

/**
 * Hashes a closing to what the payee, or the asset's operator, signs.
 *
 * @param closing Channel, epoch, what was claimed in base units and deadline in Unix seconds.
 * @param domain Chain id and address of the channels contract; a deployment will do.
 * @returns 32 bytes in hex, equal to `IChannels.hashClose`.
 * @see https://eips.ethereum.org/EIPS/eip-712
 * @example
 * const digest = hashClose({ channel, epoch: 0n, claimed, deadline }, deployment)
 */
export function hashClose(closing: ChannelClosing, domain: ChannelsDomain): Hash {
  return hashTypedData({
    domain: channelsDomain(domain),
    types: closeTypes,
    primaryType: 'Close',
    message: closing,
  })
}

/**
 * Signs a closing as the payee, or as the asset's operator, for anyone to send with `closeChannelFor`.
 *
 * @param signer The payee's account.
 * @param closing Channel, epoch, what was claimed in base units and deadline in Unix seconds.
 * @param domain Chain id and address of the channels contract; a deployment will do.
 * @returns The signature, 65 bytes.
 * @example
 * const signature = await signClose(payee, { channel, epoch: 0n, claimed: 2_000n, deadline }, deployment)
 */
export function signClose(signer: Signer, closing: ChannelClosing, domain: ChannelsDomain): Promise<Hex> {
  return signer.signTypedData({
    domain: channelsDomain(domain),
    types: closeTypes,
    primaryType: 'Close',
    message: closing,
  })
}
