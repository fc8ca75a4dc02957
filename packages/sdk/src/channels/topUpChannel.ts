import type { Hash } from 'viem'
import type { Deployment } from '../deployments/deployment.ts'
import { channelsAbi } from '../generated/channels.ts'
import { type TransactionOverrides, type WriteClient, write } from '../transactions/write.ts'
import type { Channel } from './channel.ts'

/** What `topUpChannel` takes. */
export interface TopUpChannelParameters {
  readonly deployment: Deployment
  readonly channel: Channel
  /** Base units to add. */
  readonly amount: bigint
  readonly overrides?: TransactionOverrides
}

/**
 * Adds to a channel's deposit from the sender's till account. Sent by the payer it calls off a close that was requested; anyone
 * else may add too, and what is not claimed goes to the payer.
 *
 * @param client A viem client with the sender's account.
 * @param parameters Deployment, channel and amount in base units.
 * @returns The transaction's hash; `confirm` waits for it.
 * @throws RevertError with the contract's reason, GasMoneyError, ChainUnreachableError.
 * @example
 * const hash = await topUpChannel(client, { deployment, channel, amount: 1_000_000n })
 */
export function topUpChannel(client: WriteClient, parameters: TopUpChannelParameters): Promise<Hash> {
  const { deployment, channel, amount, overrides } = parameters
  return write(client, {
    address: deployment.channels,
    abi: channelsAbi,
    functionName: 'topUp',
    args: [channel, amount],
    overrides,
  })
}
