import type { Hash } from 'viem'
import type { Deployment } from '../deployments/deployment.ts'
import { marketAbi } from '../generated/market.ts'
import { type TransactionOverrides, type WriteClient, write } from '../transactions/write.ts'

/** What `stopLease` takes. */
export interface StopLeaseParameters {
  readonly deployment: Deployment
  /** Id of the lease. */
  readonly lease: Hash
  readonly overrides?: TransactionOverrides
}

/**
 * Ends a lease at this second. By the buyer at any time; by the operator, who loses the bond if time was left.
 *
 * @param client A viem client with the sender's account.
 * @param parameters Deployment and lease.
 * @returns The transaction's hash; `confirm` waits for it.
 * @throws RevertError with the contract's reason, GasMoneyError, ChainUnreachableError.
 * @example
 * const hash = await stopLease(client, { deployment, lease })
 */
export function stopLease(client: WriteClient, parameters: StopLeaseParameters): Promise<Hash> {
  const { deployment, lease, overrides } = parameters
  return write(client, {
    address: deployment.market,
    abi: marketAbi,
    functionName: 'stop',
    args: [lease],
    overrides,
  })
}
