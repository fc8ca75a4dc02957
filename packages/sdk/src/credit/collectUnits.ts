import type { Hash } from 'viem'
import { creditOf } from '../deployments/creditOf.ts'
import type { Deployment } from '../deployments/deployment.ts'
import { unitsAbi } from '../generated/units.ts'
import { type TransactionOverrides, type WriteClient, write } from '../transactions/write.ts'

/** What `collectUnits` takes. */
export interface CollectUnitsParameters {
  readonly deployment: Deployment
  readonly asset: bigint
  readonly overrides?: TransactionOverrides
}

/**
 * Claims what the queue paid for an asset of units and pays it into the asset's till, whose waterfall repays the loan on it. Anyone, unless
 * the asset is in the auction. Call `serveQueue` first if the queue was not served.
 *
 * @param client A viem client with the sender's account.
 * @param parameters Deployment and asset.
 * @returns The transaction's hash; `confirm` waits for it.
 * @throws RevertError with the contract's reason, CreditContractsUnknownError, GasMoneyError, ChainUnreachableError.
 * @example
 * const hash = await collectUnits(client, { deployment, asset })
 */
export async function collectUnits(client: WriteClient, parameters: CollectUnitsParameters): Promise<Hash> {
  const { deployment, asset, overrides } = parameters
  return write(client, {
    address: creditOf(deployment).units,
    abi: unitsAbi,
    functionName: 'collect',
    args: [asset],
    overrides,
  })
}
