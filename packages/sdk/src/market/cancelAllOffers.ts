import type { Hash } from 'viem'
import type { Deployment } from '../deployments/deployment.ts'
import { marketAbi } from '../generated/market.ts'
import { type TransactionOverrides, type WriteClient, write } from '../transactions/write.ts'

/** What `cancelAllOffers` takes. */
export interface CancelAllOffersParameters {
  readonly deployment: Deployment
  readonly overrides?: TransactionOverrides
}

/**
 * Voids every offer that the sender signed so far by starting a new series.
 *
 * @param client A viem client with the sender's account.
 * @param parameters Deployment.
 * @returns The transaction's hash; `confirm` waits for it.
 * @throws RevertError with the contract's reason, GasMoneyError, ChainUnreachableError.
 * @example
 * const hash = await cancelAllOffers(client, { deployment })
 */
export function cancelAllOffers(client: WriteClient, parameters: CancelAllOffersParameters): Promise<Hash> {
  const { deployment, overrides } = parameters
  return write(client, {
    address: deployment.market,
    abi: marketAbi,
    functionName: 'cancelAll',
    args: [],
    overrides,
  })
}
