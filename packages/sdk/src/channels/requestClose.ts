import type { Hash } from 'viem'
import type { Deployment } from '../deployments/deployment.ts'
import { channelsAbi } from '../generated/channels.ts'
import { type TransactionOverrides, type WriteClient, write } from '../transactions/write.ts'
import type { Channel } from './channel.ts'

/** What `requestClose` takes. */
export interface RequestCloseParameters {
  readonly deployment: Deployment
  readonly channel: Channel
  readonly overrides?: TransactionOverrides
}

/**
 * Announces the end of a channel, by its payer or its signer. The payee has the channel's `closeDelay` to claim; then
 * `finalizeClose` gives the rest back.
 *
 * @param client A viem client with the payer's or the signer's account.
 * @param parameters Deployment and channel.
 * @returns The transaction's hash; `confirm` waits for it.
 * @throws RevertError with the contract's reason, GasMoneyError, ChainUnreachableError.
 * @example
 * const hash = await requestClose(client, { deployment, channel })
 */
export function requestClose(client: WriteClient, parameters: RequestCloseParameters): Promise<Hash> {
  const { deployment, channel, overrides } = parameters
  return write(client, {
    address: deployment.channels,
    abi: channelsAbi,
    functionName: 'requestClose',
    args: [channel],
    overrides,
  })
}
