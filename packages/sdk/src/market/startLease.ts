import type { Hash } from 'viem'
import type { Deployment } from '../deployments/deployment.ts'
import { marketAbi } from '../generated/market.ts'
import { type TransactionOverrides, type WriteClient, write } from '../transactions/write.ts'

/** What `startLease` takes. */
export interface StartLeaseParameters {
  readonly deployment: Deployment
  /** Id of the lease. */
  readonly lease: Hash
  readonly overrides?: TransactionOverrides
}

/**
 * Starts the clock of a lease. By the device, within the start window.
 *
 * @param client A viem client with the sender's account.
 * @param parameters Deployment and lease.
 * @returns The transaction's hash; `confirm` waits for it.
 * @throws RevertError with the contract's reason, GasMoneyError, ChainUnreachableError.
 * @example
 * const hash = await startLease(deviceClient, { deployment, lease })
 */
export function startLease(client: WriteClient, parameters: StartLeaseParameters): Promise<Hash> {
  const { deployment, lease, overrides } = parameters
  return write(client, {
    address: deployment.market,
    abi: marketAbi,
    functionName: 'start',
    args: [lease],
    overrides,
  })
}
