import type { Hash } from 'viem'
import type { Deployment } from '../deployments/deployment.ts'
import { tillAbi } from '../generated/till.ts'
import { type TransactionOverrides, type WriteClient, write } from '../transactions/write.ts'

/** What `setRunningCosts` takes. */
export interface SetRunningCostsParameters {
  readonly deployment: Deployment
  /** Id of the asset. */
  readonly asset: bigint
  /** Base units a day, accrued by the second. */
  readonly perDay: bigint
  /** Most that arrears can reach, in base units. */
  readonly cap: bigint
  readonly overrides?: TransactionOverrides
}

/**
 * Sets the running costs owed to the operator. By the owner.
 *
 * @param client A viem client with the sender's account.
 * @param parameters Deployment, asset, costs a day and cap of arrears in base units.
 * @returns The transaction's hash; `confirm` waits for it.
 * @throws RevertError with the contract's reason, GasMoneyError, ChainUnreachableError.
 * @example
 * const hash = await setRunningCosts(client, { deployment, asset: 1n, perDay: 2_000_000n, cap: 20_000_000n })
 */
export function setRunningCosts(client: WriteClient, parameters: SetRunningCostsParameters): Promise<Hash> {
  const { deployment, asset, perDay, cap, overrides } = parameters
  return write(client, {
    address: deployment.till,
    abi: tillAbi,
    functionName: 'setRunningCosts',
    args: [asset, perDay, cap],
    overrides,
  })
}
