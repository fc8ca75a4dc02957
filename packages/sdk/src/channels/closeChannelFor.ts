import type { Hash, Hex } from 'viem'
import { channelsAbi } from '../generated/channels.ts'
import { epochMargin, type WriteClient, write } from '../transactions/write.ts'
import { claimArgument, emptyClaim } from './claim.ts'
import type { CloseChannelParameters } from './closeChannel.ts'

/** What `closeChannelFor` takes. */
export interface CloseChannelForParameters extends CloseChannelParameters {
  /** Unix seconds, as signed. */
  readonly deadline: number
  /** The payee's, or the asset's operator's, signature, from `signClose`. */
  readonly signature: Hex
}

/**
 * As `closeChannel`, with the payee's signature. By anyone; what is claimed in all must be exactly what was signed.
 *
 * @param client A viem client with the sender's account.
 * @param parameters Deployment, channel, last voucher, deadline in Unix seconds and signature.
 * @returns The transaction's hash; `confirm` waits for it.
 * @throws RevertError with the contract's reason, GasMoneyError, ChainUnreachableError.
 * @example
 * const hash = await closeChannelFor(client, { deployment, channel, last, deadline, signature })
 */
export function closeChannelFor(client: WriteClient, parameters: CloseChannelForParameters): Promise<Hash> {
  const { deployment, channel, last, deadline, signature, overrides } = parameters
  const claim = last === undefined ? emptyClaim(channel) : claimArgument({ ...last, channel })
  return write(client, {
    address: deployment.channels,
    abi: channelsAbi,
    functionName: 'closeFor',
    args: [claim, deadline, signature],
    overrides,
    margin: epochMargin,
  })
}
