import type { Hash } from 'viem'
import type { Deployment } from '../deployments/deployment.ts'
import { tillAbi } from '../generated/till.ts'
import { epochMargin, type TransactionOverrides, type WriteClient, write } from '../transactions/write.ts'

/** What `pullRoyalties` takes. */
export interface PullRoyaltiesParameters {
  readonly deployment: Deployment
  /** Id of the asset. */
  readonly asset: bigint
  readonly overrides?: TransactionOverrides
}

/**
 * Moves royalties that wait for an asset into its bucket of the current epoch. By anyone.
 *
 * @param client A viem client with the sender's account.
 * @param parameters Deployment and asset.
 * @returns The transaction's hash; `confirm` waits for it.
 * @throws RevertError with the contract's reason, GasMoneyError, ChainUnreachableError.
 * @example
 * const hash = await pullRoyalties(client, { deployment, asset: 1n })
 */
export function pullRoyalties(client: WriteClient, parameters: PullRoyaltiesParameters): Promise<Hash> {
  const { deployment, asset, overrides } = parameters
  return write(client, {
    address: deployment.till,
    abi: tillAbi,
    functionName: 'pullRoyalties',
    args: [asset],
    overrides,
    margin: epochMargin,
  })
}
