import type { Hash, Hex } from 'viem'
import type { Deployment } from '../deployments/deployment.ts'
import { marketAbi } from '../generated/market.ts'
import { type TransactionOverrides, type WriteClient, write } from '../transactions/write.ts'

/** What `startLeaseFor` takes. */
export interface StartLeaseForParameters {
  readonly deployment: Deployment
  /** Id of the lease. */
  readonly lease: Hash
  /** The device's signature, from `signStart`. */
  readonly signature: Hex
  readonly overrides?: TransactionOverrides
}

/**
 * Starts the clock of a lease with the device's signature. By anyone, within the start window.
 *
 * @param client A viem client with the sender's account.
 * @param parameters Deployment, lease and signature.
 * @returns The transaction's hash; `confirm` waits for it.
 * @throws RevertError with the contract's reason, GasMoneyError, ChainUnreachableError.
 * @example
 * const hash = await startLeaseFor(client, { deployment, lease, signature })
 */
export function startLeaseFor(client: WriteClient, parameters: StartLeaseForParameters): Promise<Hash> {
  const { deployment, lease, signature, overrides } = parameters
  return write(client, {
    address: deployment.market,
    abi: marketAbi,
    functionName: 'startFor',
    args: [lease, signature],
    overrides,
  })
}
