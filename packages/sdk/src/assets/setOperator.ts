import type { Address, Hash } from 'viem'
import type { Deployment } from '../deployments/deployment.ts'
import { assetsAbi } from '../generated/assets.ts'
import { type TransactionOverrides, type WriteClient, write } from '../transactions/write.ts'

/** What `setOperator` takes. */
export interface SetOperatorParameters {
  readonly deployment: Deployment
  /** Id of the asset. */
  readonly asset: bigint
  /** Who runs the asset and signs its offers. */
  readonly operator: Address
  readonly overrides?: TransactionOverrides
}

/**
 * Names a new operator. By the owner. Offers signed by the old operator are void from then on.
 *
 * @param client A viem client with the sender's account.
 * @param parameters Deployment, asset and operator.
 * @returns The transaction's hash; `confirm` waits for it.
 * @throws RevertError with the contract's reason, GasMoneyError, ChainUnreachableError.
 * @example
 * const hash = await setOperator(client, { deployment, asset: 1n, operator })
 */
export function setOperator(client: WriteClient, parameters: SetOperatorParameters): Promise<Hash> {
  const { deployment, asset, operator, overrides } = parameters
  return write(client, {
    address: deployment.assets,
    abi: assetsAbi,
    functionName: 'setOperator',
    args: [asset, operator],
    overrides,
  })
}
