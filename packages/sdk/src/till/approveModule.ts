import type { Address, Hash } from 'viem'
import type { Deployment } from '../deployments/deployment.ts'
import { tillAbi } from '../generated/till.ts'
import { type TransactionOverrides, type WriteClient, write } from '../transactions/write.ts'

/** What `approveModule` takes. */
export interface ApproveModuleParameters {
  readonly deployment: Deployment
  /** The module, `deployment.market` for leases. */
  readonly module: Address
  /** Whether it may. */
  readonly approved: boolean
  readonly overrides?: TransactionOverrides
}

/**
 * Lets a module move money of the sender's till account, or no longer. The market needs it to lock deposits.
 *
 * @param client A viem client with the sender's account.
 * @param parameters Deployment, module and whether it may.
 * @returns The transaction's hash; `confirm` waits for it.
 * @throws RevertError with the contract's reason, GasMoneyError, ChainUnreachableError.
 * @example
 * const hash = await approveModule(client, { deployment, module: deployment.market, approved: true })
 */
export function approveModule(client: WriteClient, parameters: ApproveModuleParameters): Promise<Hash> {
  const { deployment, module, approved, overrides } = parameters
  return write(client, {
    address: deployment.till,
    abi: tillAbi,
    functionName: 'setOperator',
    args: [module, approved],
    overrides,
  })
}
