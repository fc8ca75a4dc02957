import type { Address, Hash } from 'viem'
import type { Deployment } from '../deployments/deployment.ts'
import { assetsAbi } from '../generated/assets.ts'
import { type TransactionOverrides, type WriteClient, write } from '../transactions/write.ts'

/** What `setDevice` takes. */
export interface SetDeviceParameters {
  readonly deployment: Deployment
  /** Id of the asset. */
  readonly asset: bigint
  /** Key that starts leases and signs receipts; zero for none. */
  readonly device: Address
  readonly overrides?: TransactionOverrides
}

/**
 * Names a new device key. By the owner or the operator.
 *
 * @param client A viem client with the sender's account.
 * @param parameters Deployment, asset and device.
 * @returns The transaction's hash; `confirm` waits for it.
 * @throws RevertError with the contract's reason, GasMoneyError, ChainUnreachableError.
 * @example
 * const hash = await setDevice(client, { deployment, asset: 1n, device })
 */
export function setDevice(client: WriteClient, parameters: SetDeviceParameters): Promise<Hash> {
  const { deployment, asset, device, overrides } = parameters
  return write(client, {
    address: deployment.assets,
    abi: assetsAbi,
    functionName: 'setDevice',
    args: [asset, device],
    overrides,
  })
}
