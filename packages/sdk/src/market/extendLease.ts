import type { Hash } from 'viem'
import type { Deployment } from '../deployments/deployment.ts'
import { marketAbi } from '../generated/market.ts'
import { type TransactionOverrides, type WriteClient, write } from '../transactions/write.ts'

/** What `extendLease` takes. */
export interface ExtendLeaseParameters {
  readonly deployment: Deployment
  /** Id of the lease. */
  readonly lease: Hash
  /** Seconds to add. */
  readonly added: number
  readonly overrides?: TransactionOverrides
}

/**
 * Buys more time at the same price, up to the offer's longest. By the buyer, while it runs.
 *
 * @param client A viem client with the sender's account.
 * @param parameters Deployment, lease and seconds to add.
 * @returns The transaction's hash; `confirm` waits for it.
 * @throws RevertError with the contract's reason, GasMoneyError, ChainUnreachableError.
 * @example
 * const hash = await extendLease(client, { deployment, lease, added: 600 })
 */
export function extendLease(client: WriteClient, parameters: ExtendLeaseParameters): Promise<Hash> {
  const { deployment, lease, added, overrides } = parameters
  return write(client, {
    address: deployment.market,
    abi: marketAbi,
    functionName: 'extend',
    args: [lease, added],
    overrides,
  })
}
