import type { Address, Hash } from 'viem'
import type { Deployment } from '../deployments/deployment.ts'
import { tillAbi } from '../generated/till.ts'
import { type TransactionOverrides, type WriteClient, write } from '../transactions/write.ts'

/** What `setDebt` takes. */
export interface SetDebtParameters {
  readonly deployment: Deployment
  /** Id of the asset. */
  readonly asset: bigint
  /** The module; the zero address to clear. */
  readonly debt: Address
  readonly overrides?: TransactionOverrides
}

/**
 * Fills or clears the debt slot. By the owner; the module must be listed, and must agree to be cleared.
 *
 * @param client A viem client with the sender's account.
 * @param parameters Deployment, asset and module.
 * @returns The transaction's hash; `confirm` waits for it.
 * @throws RevertError with the contract's reason, GasMoneyError, ChainUnreachableError.
 * @example
 * const hash = await setDebt(client, { deployment, asset: 1n, debt: module })
 */
export function setDebt(client: WriteClient, parameters: SetDebtParameters): Promise<Hash> {
  const { deployment, asset, debt, overrides } = parameters
  return write(client, {
    address: deployment.till,
    abi: tillAbi,
    functionName: 'setDebt',
    args: [asset, debt],
    overrides,
  })
}
