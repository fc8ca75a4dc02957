import { type Hash, hashTypedData } from 'viem'
import type { Channel } from './channel.ts'
import { type ChannelsDomain, channelsDomain, channelTypes } from './domain.ts'

/**
 * Names a channel: its EIP-712 digest. Needs no chain.
 *
 * @param channel What it is between.
 * @param domain Chain id and address of the channels contract; a deployment will do.
 * @returns 32 bytes in hex, equal to `IChannels.hashChannel`.
 * @see https://eips.ethereum.org/EIPS/eip-712
 * @example
 * const id = hashChannel(channel, deployment)
 */
export function hashChannel(channel: Channel, domain: ChannelsDomain): Hash {
  return hashTypedData({
    domain: channelsDomain(domain),
    types: channelTypes,
    primaryType: 'Channel',
    message: channel,
  })
}
