import type { Hash } from 'viem'
import { creditOf } from '../deployments/creditOf.ts'
import type { Deployment } from '../deployments/deployment.ts'
import { unitsAbi } from '../generated/units.ts'
import { type TransactionOverrides, type WriteClient, write } from '../transactions/write.ts'

/** What `addUnits` takes. */
export interface AddUnitsParameters {
  readonly deployment: Deployment
  readonly asset: bigint
  /** Base units of the vault. */
  readonly shares: bigint
  readonly overrides?: TransactionOverrides
}

/**
 * Adds shares of the same line to an asset of units, so that a loan on it stands better. Anyone who approved the units (`approveUnits`).
 *
 * @param client A viem client with the sender's account.
 * @param parameters Deployment, asset and shares.
 * @returns The transaction's hash; `confirm` waits for it.
 * @throws RevertError with the contract's reason, CreditContractsUnknownError, GasMoneyError, ChainUnreachableError.
 * @example
 * const hash = await addUnits(client, { deployment, asset, shares: 1_000_000n })
 */
export async function addUnits(client: WriteClient, parameters: AddUnitsParameters): Promise<Hash> {
  const { deployment, asset, shares, overrides } = parameters
  return write(client, {
    address: creditOf(deployment).units,
    abi: unitsAbi,
    functionName: 'add',
    args: [asset, shares],
    overrides,
  })
}
