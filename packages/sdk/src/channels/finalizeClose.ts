import type { Hash } from 'viem'
import { channelsAbi } from '../generated/channels.ts'
import { type WriteClient, write } from '../transactions/write.ts'
import type { RequestCloseParameters } from './requestClose.ts'

/**
 * Ends a channel whose close was requested and whose delay is over, and gives the rest back to the payer. By anyone.
 *
 * @param client A viem client with the sender's account.
 * @param parameters Deployment and channel.
 * @returns The transaction's hash; `confirm` waits for it.
 * @throws RevertError with the contract's reason, GasMoneyError, ChainUnreachableError.
 * @example
 * const hash = await finalizeClose(client, { deployment, channel })
 */
export function finalizeClose(client: WriteClient, parameters: RequestCloseParameters): Promise<Hash> {
  const { deployment, channel, overrides } = parameters
  return write(client, {
    address: deployment.channels,
    abi: channelsAbi,
    functionName: 'finalizeClose',
    args: [channel],
    overrides,
  })
}
