import type { Hash, Hex } from 'viem'
import type { Deployment } from '../deployments/deployment.ts'
import { channelsAbi } from '../generated/channels.ts'
import { type TransactionOverrides, type WriteClient, write } from '../transactions/write.ts'
import type { Channel } from './channel.ts'

/** What `openChannelFor` takes. */
export interface OpenChannelForParameters {
  readonly deployment: Deployment
  readonly channel: Channel
  /** Base units, as signed. */
  readonly amount: bigint
  /** Unix seconds, as signed. */
  readonly deadline: number
  /** The payer's signature, from `signOpen`. */
  readonly signature: Hex
  readonly overrides?: TransactionOverrides
}

/**
 * Opens a channel from the payer's till account with the payer's signature. By anyone; the payer must have approved the channels
 * with `approveModule`.
 *
 * @param client A viem client with the sender's account.
 * @param parameters Deployment, channel, amount in base units, deadline in Unix seconds and signature.
 * @returns The transaction's hash; `confirm` waits for it.
 * @throws RevertError with the contract's reason, GasMoneyError, ChainUnreachableError.
 * @example
 * const hash = await openChannelFor(client, { deployment, channel, amount, deadline, signature })
 */
export function openChannelFor(client: WriteClient, parameters: OpenChannelForParameters): Promise<Hash> {
  const { deployment, channel, amount, deadline, signature, overrides } = parameters
  return write(client, {
    address: deployment.channels,
    abi: channelsAbi,
    functionName: 'openFor',
    args: [channel, amount, deadline, signature],
    overrides,
  })
}
