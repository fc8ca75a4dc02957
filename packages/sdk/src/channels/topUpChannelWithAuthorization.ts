import type { Hash } from 'viem'
import { channelsAbi } from '../generated/channels.ts'
import { type WriteClient, write } from '../transactions/write.ts'
import type { OpenChannelWithAuthorizationParameters } from './openChannelWithAuthorization.ts'

/**
 * Adds to a channel's deposit from the payer's wallet by an ERC-3009 authorization. By anyone; it calls no close off.
 *
 * @param client A viem client with the sender's account.
 * @param parameters Deployment, channel and authorization.
 * @returns The transaction's hash; `confirm` waits for it.
 * @throws RevertError with the contract's reason, GasMoneyError, ChainUnreachableError.
 * @example
 * const hash = await topUpChannelWithAuthorization(client, { deployment, channel, authorization })
 */
export function topUpChannelWithAuthorization(
  client: WriteClient,
  parameters: OpenChannelWithAuthorizationParameters,
): Promise<Hash> {
  const { deployment, channel, authorization, overrides } = parameters
  const { amount, validAfter, validBefore, salt, signature } = authorization
  return write(client, {
    address: deployment.channels,
    abi: channelsAbi,
    functionName: 'topUpWithAuthorization',
    args: [channel, amount, validAfter, validBefore, salt, signature],
    overrides,
  })
}
