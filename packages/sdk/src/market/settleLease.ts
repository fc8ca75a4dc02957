import type { Hash } from 'viem'
import type { Deployment } from '../deployments/deployment.ts'
import { marketAbi } from '../generated/market.ts'
import { epochMargin, type TransactionOverrides, type WriteClient, write } from '../transactions/write.ts'

/** What `settleLease` takes. */
export interface SettleLeaseParameters {
  readonly deployment: Deployment
  /** Id of the lease. */
  readonly lease: Hash
  readonly overrides?: TransactionOverrides
}

/**
 * Pays what a lease earned into the asset's till and gives back the rest. By anyone, once it is over.
 *
 * @param client A viem client with the sender's account.
 * @param parameters Deployment and lease.
 * @returns The transaction's hash; `confirm` waits for it.
 * @throws RevertError with the contract's reason, GasMoneyError, ChainUnreachableError.
 * @example
 * const hash = await settleLease(client, { deployment, lease })
 */
export function settleLease(client: WriteClient, parameters: SettleLeaseParameters): Promise<Hash> {
  const { deployment, lease, overrides } = parameters
  return write(client, {
    address: deployment.market,
    abi: marketAbi,
    functionName: 'settle',
    args: [lease],
    overrides,
    margin: epochMargin,
  })
}
