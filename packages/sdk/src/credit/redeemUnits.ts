import type { Hash } from 'viem'
import { creditOf } from '../deployments/creditOf.ts'
import type { Deployment } from '../deployments/deployment.ts'
import { unitsAbi } from '../generated/units.ts'
import { type TransactionOverrides, type WriteClient, write } from '../transactions/write.ts'

/** What `redeemUnits` takes. */
export interface RedeemUnitsParameters {
  readonly deployment: Deployment
  readonly asset: bigint
  /** Base units of the vault. */
  readonly shares: bigint
  readonly overrides?: TransactionOverrides
}

/**
 * Asks for shares of an asset of units back: they wait in the line's queue, and what it pays is the asset's revenue (`collectUnits`).
 * Owner; anyone where a loan on the asset is late or impaired, and then all that is held goes. Nobody while the asset is in the auction.
 *
 * @param client A viem client with the sender's account.
 * @param parameters Deployment, asset and shares.
 * @returns The transaction's hash; `confirm` waits for it.
 * @throws RevertError with the contract's reason, CreditContractsUnknownError, GasMoneyError, ChainUnreachableError.
 * @example
 * const hash = await redeemUnits(client, { deployment, asset, shares: 1_000_000n })
 */
export async function redeemUnits(client: WriteClient, parameters: RedeemUnitsParameters): Promise<Hash> {
  const { deployment, asset, shares, overrides } = parameters
  return write(client, {
    address: creditOf(deployment).units,
    abi: unitsAbi,
    functionName: 'redeem',
    args: [asset, shares],
    overrides,
  })
}
