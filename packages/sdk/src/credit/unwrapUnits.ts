import type { Address, Hash } from 'viem'
import { creditOf } from '../deployments/creditOf.ts'
import type { Deployment } from '../deployments/deployment.ts'
import { unitsAbi } from '../generated/units.ts'
import { type TransactionOverrides, type WriteClient, write } from '../transactions/write.ts'

/** What `unwrapUnits` takes. */
export interface UnwrapUnitsParameters {
  readonly deployment: Deployment
  readonly asset: bigint
  /** Base units of the vault. */
  readonly shares: bigint
  /** Default: the sender. */
  readonly to?: Address
  readonly overrides?: TransactionOverrides
}

/**
 * Takes shares out of an asset of units. Owner, while no loan on it is outstanding.
 *
 * @param client A viem client with the owner's account.
 * @param parameters Deployment, asset, shares, and who gets them.
 * @returns The transaction's hash; `confirm` waits for it.
 * @throws RevertError with the contract's reason, CreditContractsUnknownError, GasMoneyError, ChainUnreachableError.
 * @example
 * const hash = await unwrapUnits(client, { deployment, asset, shares: 1_000_000n })
 */
export async function unwrapUnits(client: WriteClient, parameters: UnwrapUnitsParameters): Promise<Hash> {
  const { deployment, asset, shares, to = client.account.address, overrides } = parameters
  return write(client, {
    address: creditOf(deployment).units,
    abi: unitsAbi,
    functionName: 'unwrap',
    args: [asset, shares, to],
    overrides,
  })
}
