import { type Hash, type Hex, hashTypedData } from 'viem'
import type { Signer } from '../accounts/signer.ts'
import { type ChannelsDomain, channelsDomain, openTypes } from './domain.ts'

/** A payer's consent that a channel is opened from its till account, by anyone. It opens one epoch, once. */
export interface ChannelOpening {
  /** Id of the channel. */
  readonly channel: Hash
  /** Closes of the channel so far. */
  readonly epoch: bigint
  /** Base units. */
  readonly amount: bigint
  /** Last second at which it is good. */
  readonly deadline: number
}

/**
 * Hashes an opening to what the payer signs.
 *
 * @param opening Channel, epoch, amount in base units and deadline in Unix seconds.
 * @param domain Chain id and address of the channels contract; a deployment will do.
 * @returns 32 bytes in hex, equal to `IChannels.hashOpen`.
 * @see https://eips.ethereum.org/EIPS/eip-712
 * @example
 * const digest = hashOpen({ channel, epoch: 0n, amount, deadline }, deployment)
 */
export function hashOpen(opening: ChannelOpening, domain: ChannelsDomain): Hash {
  return hashTypedData({
    domain: channelsDomain(domain),
    types: openTypes,
    primaryType: 'Open',
    message: opening,
  })
}

/**
 * Signs an opening as the payer, for anyone to send with `openChannelFor`.
 *
 * @param signer The payer's account.
 * @param opening Channel, epoch, amount in base units and deadline in Unix seconds.
 * @param domain Chain id and address of the channels contract; a deployment will do.
 * @returns The signature, 65 bytes.
 * @example
 * const signature = await signOpen(payer, { channel, epoch: 0n, amount, deadline }, deployment)
 */
export function signOpen(signer: Signer, opening: ChannelOpening, domain: ChannelsDomain): Promise<Hex> {
  return signer.signTypedData({
    domain: channelsDomain(domain),
    types: openTypes,
    primaryType: 'Open',
    message: opening,
  })
}
