import type { Hash } from 'viem'
import type { Deployment } from '../deployments/deployment.ts'
import { channelsAbi } from '../generated/channels.ts'
import { read } from '../transactions/read.ts'
import type { ReadClient } from '../transactions/write.ts'
import type { ChannelState } from './channelState.ts'

/**
 * Reads where a channel stands. What it is between is not on chain; its id, `hashChannel`, stands for it.
 *
 * @param client A viem client of the chain.
 * @param parameters Deployment and id of the channel; `blockNumber` for a block other than the latest.
 * @returns Its state; `none` with a deposit of 0 if it is not open.
 * @throws ChainUnreachableError.
 * @example
 * const { state, deposit, claimed, epoch } = await getChannel(client, { deployment, channel: id })
 */
export async function getChannel(
  client: ReadClient,
  parameters: { readonly deployment: Deployment; readonly channel: Hash; readonly blockNumber?: bigint },
): Promise<ChannelState> {
  const { deployment, channel: id, blockNumber } = parameters
  const { deposit, claimed, epoch, closesAt } = await read(client, {
    address: deployment.channels,
    abi: channelsAbi,
    functionName: 'get',
    args: [id],
    ...(blockNumber === undefined ? {} : { blockNumber }),
  })
  const state = deposit === 0n ? 'none' : closesAt === 0 ? 'open' : 'closing'
  return { id, state, deposit, claimed, epoch, closesAt }
}
