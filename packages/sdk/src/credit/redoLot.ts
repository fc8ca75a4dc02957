import type { Address, Hash } from 'viem'
import { creditOf } from '../deployments/creditOf.ts'
import type { Deployment } from '../deployments/deployment.ts'
import { auctionAbi } from '../generated/auction.ts'
import { type TransactionOverrides, type WriteClient, write } from '../transactions/write.ts'

/** What `redoLot` takes. */
export interface RedoLotParameters {
  readonly deployment: Deployment
  /** The facility that sells. */
  readonly seller: Address
  readonly asset: bigint
  readonly overrides?: TransactionOverrides
}

/**
 * Starts an auction again that nobody took, at half of its last start at most; ends it where there is nothing to sell
 * any more. Anyone.
 *
 * @param client A viem client with the sender's account.
 * @param parameters Deployment, seller and asset.
 * @returns The transaction's hash; `confirm` waits for it.
 * @throws RevertError with the contract's reason, CreditContractsUnknownError, GasMoneyError, ChainUnreachableError.
 * @example
 * const hash = await redoLot(client, { deployment, seller: facility, asset })
 */
export function redoLot(client: WriteClient, parameters: RedoLotParameters): Promise<Hash> {
  const { deployment, seller, asset, overrides } = parameters
  return write(client, {
    address: creditOf(deployment).auction,
    abi: auctionAbi,
    functionName: 'redo',
    args: [seller, asset],
    overrides,
  })
}
