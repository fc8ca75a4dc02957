import { type Deployment, getChannel, type ReadClient } from '@millrace/sdk'
import type { Hash } from 'viem'
import { getBlock } from 'viem/actions'
import type { ChannelAt } from './closing.ts'

/**
 * Reads a channel and the time of the block that shows it, for a ledger that signs the ends of channels: both of one block, since a
 * node that is behind the other would show as open what is closed.
 *
 * @param client A viem client of the chain.
 * @param parameters Deployment, id, and how many blocks must stand above the one that is believed; none by default.
 * @returns State and Unix seconds.
 * @throws ChainUnreachableError.
 * @example
 * const readAt = (channel: Hash) => readChannelAt(client, { deployment, channel, confirmations: 2n })
 */
export async function readChannelAt(
  client: ReadClient,
  parameters: {
    readonly deployment: Deployment
    readonly channel: Hash
    readonly confirmations?: bigint
  },
): Promise<ChannelAt> {
  const { deployment, channel, confirmations = 0n } = parameters
  const latest = await getBlock(client)
  const at = latest.number > confirmations ? latest.number - confirmations : 0n
  const block = at === latest.number ? latest : await getBlock(client, { blockNumber: at })
  const state = await getChannel(client, { deployment, channel, blockNumber: block.number })
  return { state, time: Number(block.timestamp) }
}
