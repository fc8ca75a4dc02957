import { type Address, erc20Abi, type Hash } from 'viem'
import { creditOf } from '../deployments/creditOf.ts'
import type { Deployment } from '../deployments/deployment.ts'
import { type TransactionOverrides, type WriteClient, write } from '../transactions/write.ts'

/** What `approveUnits` takes. */
export interface ApproveUnitsParameters {
  readonly deployment: Deployment
  /** Senior line whose shares are to be wrapped. */
  readonly vault: Address
  /** Base units of the vault. */
  readonly shares: bigint
  readonly overrides?: TransactionOverrides
}

/**
 * Lets the units take shares of the sender, for `wrapUnits` and `addUnits`.
 *
 * @param client A viem client with the sender's account.
 * @param parameters Deployment, vault and shares.
 * @returns The transaction's hash; `confirm` waits for it.
 * @throws RevertError with the contract's reason, CreditContractsUnknownError, GasMoneyError, ChainUnreachableError.
 * @example
 * const hash = await approveUnits(client, { deployment, vault, shares: 1_000_000n })
 */
export async function approveUnits(client: WriteClient, parameters: ApproveUnitsParameters): Promise<Hash> {
  const { deployment, vault, shares, overrides } = parameters
  return write(client, {
    address: vault,
    abi: erc20Abi,
    functionName: 'approve',
    args: [creditOf(deployment).units, shares],
    overrides,
  })
}
