import type { Address, Hash } from 'viem'
import type { Deployment } from '../deployments/deployment.ts'
import { assetsAbi } from '../generated/assets.ts'
import { type TransactionOverrides, type WriteClient, write } from '../transactions/write.ts'

/** What `transferAsset` takes. */
export interface TransferAssetParameters {
  readonly deployment: Deployment
  /** Id of the asset. */
  readonly asset: bigint
  /** The new owner. */
  readonly to: Address
  readonly overrides?: TransactionOverrides
}

/**
 * Gives an asset to another owner. Its till is settled first, so what was earned stays with the seller.
 *
 * @param client A viem client with the sender's account.
 * @param parameters Deployment, asset and new owner.
 * @returns The transaction's hash; `confirm` waits for it.
 * @throws RevertError with the contract's reason, GasMoneyError, ChainUnreachableError.
 * @example
 * const hash = await transferAsset(client, { deployment, asset: 1n, to: newOwner })
 */
export function transferAsset(client: WriteClient, parameters: TransferAssetParameters): Promise<Hash> {
  const { deployment, asset, to, overrides } = parameters
  return write(client, {
    address: deployment.assets,
    abi: assetsAbi,
    functionName: 'safeTransferFrom',
    args: [client.account.address, to, asset],
    overrides,
  })
}
