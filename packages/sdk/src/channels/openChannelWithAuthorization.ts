import type { Hash } from 'viem'
import type { Deployment } from '../deployments/deployment.ts'
import { channelsAbi } from '../generated/channels.ts'
import { type TransactionOverrides, type WriteClient, write } from '../transactions/write.ts'
import type { Channel } from './channel.ts'
import type { ChannelAuthorization } from './signChannelAuthorization.ts'

/** What `openChannelWithAuthorization` takes. */
export interface OpenChannelWithAuthorizationParameters {
  readonly deployment: Deployment
  readonly channel: Channel
  /** From `signChannelAuthorization`. */
  readonly authorization: ChannelAuthorization
  readonly overrides?: TransactionOverrides
}

/**
 * Opens a channel with money from the payer's wallet by an ERC-3009 authorization. By anyone: the payer needs no gas, no till
 * account and no approval.
 *
 * @param client A viem client with the sender's account.
 * @param parameters Deployment, channel and authorization.
 * @returns The transaction's hash; `confirm` waits for it.
 * @throws RevertError with the contract's reason, GasMoneyError, ChainUnreachableError.
 * @example
 * const hash = await openChannelWithAuthorization(client, { deployment, channel, authorization })
 */
export function openChannelWithAuthorization(
  client: WriteClient,
  parameters: OpenChannelWithAuthorizationParameters,
): Promise<Hash> {
  const { deployment, channel, authorization, overrides } = parameters
  const { amount, validAfter, validBefore, salt, signature } = authorization
  return write(client, {
    address: deployment.channels,
    abi: channelsAbi,
    functionName: 'openWithAuthorization',
    args: [channel, amount, validAfter, validBefore, salt, signature],
    overrides,
  })
}
