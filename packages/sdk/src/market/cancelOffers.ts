import type { Hash } from 'viem'
import type { Deployment } from '../deployments/deployment.ts'
import { marketAbi } from '../generated/market.ts'
import { type TransactionOverrides, type WriteClient, write } from '../transactions/write.ts'

/** What `cancelOffers` takes. */
export interface CancelOffersParameters {
  readonly deployment: Deployment
  /** Nonce of the offers; may be shared by many. */
  readonly nonce: bigint
  readonly overrides?: TransactionOverrides
}

/**
 * Voids every offer of the sender with one nonce.
 *
 * @param client A viem client with the sender's account.
 * @param parameters Deployment and nonce.
 * @returns The transaction's hash; `confirm` waits for it.
 * @throws RevertError with the contract's reason, GasMoneyError, ChainUnreachableError.
 * @example
 * const hash = await cancelOffers(client, { deployment, nonce: offer.nonce })
 */
export function cancelOffers(client: WriteClient, parameters: CancelOffersParameters): Promise<Hash> {
  const { deployment, nonce, overrides } = parameters
  return write(client, {
    address: deployment.market,
    abi: marketAbi,
    functionName: 'cancel',
    args: [nonce],
    overrides,
  })
}
