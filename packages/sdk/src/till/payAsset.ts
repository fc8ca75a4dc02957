import type { Hash } from 'viem'
import type { Deployment } from '../deployments/deployment.ts'
import { tillAbi } from '../generated/till.ts'
import { epochMargin, type TransactionOverrides, type WriteClient, write } from '../transactions/write.ts'

/** What `payAsset` takes. */
export interface PayAssetParameters {
  readonly deployment: Deployment
  /** Id of the asset. */
  readonly asset: bigint
  /** Base units of the asset's currency. */
  readonly amount: bigint
  readonly overrides?: TransactionOverrides
}

/**
 * Pays revenue to an asset from the sender's till account.
 *
 * @param client A viem client with the sender's account.
 * @param parameters Deployment, asset and amount in base units.
 * @returns The transaction's hash; `confirm` waits for it.
 * @throws RevertError with the contract's reason, GasMoneyError, ChainUnreachableError.
 * @example
 * const hash = await payAsset(client, { deployment, asset: 1n, amount: 1_000_000n })
 */
export function payAsset(client: WriteClient, parameters: PayAssetParameters): Promise<Hash> {
  const { deployment, asset, amount, overrides } = parameters
  return write(client, {
    address: deployment.till,
    abi: tillAbi,
    functionName: 'pay',
    args: [asset, amount],
    overrides,
    margin: epochMargin,
  })
}
