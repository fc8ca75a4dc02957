import type { Hash } from 'viem'
import type { Deployment } from '../deployments/deployment.ts'
import { tillAbi } from '../generated/till.ts'
import { epochMargin, type TransactionOverrides, type WriteClient, write } from '../transactions/write.ts'

/** What `settleTill` takes. */
export interface SettleTillParameters {
  readonly deployment: Deployment
  /** Id of the asset. */
  readonly asset: bigint
  readonly overrides?: TransactionOverrides
}

/**
 * Splits what an asset collected in epochs that are over. By anyone, any number of times.
 *
 * @param client A viem client with the sender's account.
 * @param parameters Deployment and asset.
 * @returns The transaction's hash; `confirm` waits for it.
 * @throws RevertError with the contract's reason, GasMoneyError, ChainUnreachableError.
 * @example
 * const hash = await settleTill(client, { deployment, asset: 1n })
 */
export function settleTill(client: WriteClient, parameters: SettleTillParameters): Promise<Hash> {
  const { deployment, asset, overrides } = parameters
  return write(client, {
    address: deployment.till,
    abi: tillAbi,
    functionName: 'settle',
    args: [asset],
    overrides,
    margin: epochMargin,
  })
}
