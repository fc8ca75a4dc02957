import type { Hash } from 'viem'
import type { Deployment } from '../deployments/deployment.ts'
import { channelsAbi } from '../generated/channels.ts'
import { epochMargin, type TransactionOverrides, type WriteClient, write } from '../transactions/write.ts'
import type { Channel } from './channel.ts'
import { claimArgument, emptyClaim, type VoucherClaim } from './claim.ts'

/** What `closeChannel` takes. */
export interface CloseChannelParameters {
  readonly deployment: Deployment
  readonly channel: Channel
  /** The last voucher, claimed at once. Default: none. */
  readonly last?: Omit<VoucherClaim, 'channel'>
  readonly overrides?: TransactionOverrides
}

/**
 * Claims the last voucher, ends the channel and gives the rest back to the payer at once. By the payee, or the asset's operator,
 * who gives up all else that could be claimed.
 *
 * @param client A viem client with the payee's account.
 * @param parameters Deployment, channel and last voucher.
 * @returns The transaction's hash; `confirm` waits for it.
 * @throws RevertError with the contract's reason, GasMoneyError, ChainUnreachableError.
 * @example
 * const hash = await closeChannel(client, { deployment, channel, last: { voucher, signature } })
 */
export function closeChannel(client: WriteClient, parameters: CloseChannelParameters): Promise<Hash> {
  const { deployment, channel, last, overrides } = parameters
  return write(client, {
    address: deployment.channels,
    abi: channelsAbi,
    functionName: 'close',
    args: [last === undefined ? emptyClaim(channel) : claimArgument({ ...last, channel })],
    overrides,
    margin: epochMargin,
  })
}
