import type { Hash } from 'viem'
import type { Deployment } from '../deployments/deployment.ts'
import { channelsAbi } from '../generated/channels.ts'
import { type TransactionOverrides, type WriteClient, write } from '../transactions/write.ts'
import type { Channel } from './channel.ts'

/** What `openChannel` takes. */
export interface OpenChannelParameters {
  readonly deployment: Deployment
  /** What it is between; the sender is its payer. */
  readonly channel: Channel
  /** Base units of the channel's currency. */
  readonly amount: bigint
  readonly overrides?: TransactionOverrides
}

/**
 * Opens a channel and locks its deposit from the sender's till account. The sender must have approved the channels with
 * `approveModule`. Its id is `hashChannel(channel, deployment)`.
 *
 * @param client A viem client with the payer's account.
 * @param parameters Deployment, channel and amount in base units.
 * @returns The transaction's hash; `confirm` waits for it.
 * @throws RevertError with the contract's reason, GasMoneyError, ChainUnreachableError.
 * @example
 * const hash = await openChannel(client, { deployment, channel, amount: 5_000_000n })
 */
export function openChannel(client: WriteClient, parameters: OpenChannelParameters): Promise<Hash> {
  const { deployment, channel, amount, overrides } = parameters
  return write(client, {
    address: deployment.channels,
    abi: channelsAbi,
    functionName: 'open',
    args: [channel, amount],
    overrides,
  })
}
