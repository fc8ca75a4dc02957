import type { Hash, Hex } from 'viem'
import type { Deployment } from '../deployments/deployment.ts'
import { marketAbi } from '../generated/market.ts'
import { type TransactionOverrides, type WriteClient, write } from '../transactions/write.ts'
import type { Offer } from './offer.ts'

/** What `openLease` takes. */
export interface OpenLeaseParameters {
  readonly deployment: Deployment
  /** The terms. */
  readonly offer: Offer
  /** The operator's signature. */
  readonly signature: Hex
  /** Seconds to pay for in advance. */
  readonly duration: number
  readonly overrides?: TransactionOverrides
}

/**
 * Opens a lease on a signed offer and locks its price from the sender's till account. The sender must have approved
 * the market with `approveModule`.
 *
 * @param client A viem client with the sender's account.
 * @param parameters Deployment, offer, signature and duration in seconds.
 * @returns The transaction's hash; `confirm` waits for it.
 * @throws RevertError with the contract's reason, GasMoneyError, ChainUnreachableError.
 * @example
 * const hash = await openLease(client, { deployment, offer, signature, duration: 3600 })
 */
export function openLease(client: WriteClient, parameters: OpenLeaseParameters): Promise<Hash> {
  const { deployment, offer, signature, duration, overrides } = parameters
  return write(client, {
    address: deployment.market,
    abi: marketAbi,
    functionName: 'open',
    args: [offer, signature, duration],
    overrides,
  })
}
