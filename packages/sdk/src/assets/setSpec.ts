import type { Hash } from 'viem'
import type { Deployment } from '../deployments/deployment.ts'
import { assetsAbi } from '../generated/assets.ts'
import { type TransactionOverrides, type WriteClient, write } from '../transactions/write.ts'

/** What `setSpec` takes. */
export interface SetSpecParameters {
  readonly deployment: Deployment
  /** Id of the asset. */
  readonly asset: bigint
  /** Hash of its canonical JSON. */
  readonly spec: Hash
  /** Where it can be read; may be empty. */
  readonly uri: string
  readonly overrides?: TransactionOverrides
}

/**
 * Replaces the description of an asset. By the owner or the operator.
 *
 * @param client A viem client with the sender's account.
 * @param parameters Deployment, asset, hash and address of the description.
 * @returns The transaction's hash; `confirm` waits for it.
 * @throws RevertError with the contract's reason, GasMoneyError, ChainUnreachableError.
 * @example
 * const hash = await setSpec(client, { deployment, asset: 1n, spec: hashCanonical(description), uri: '' })
 */
export function setSpec(client: WriteClient, parameters: SetSpecParameters): Promise<Hash> {
  const { deployment, asset, spec, uri, overrides } = parameters
  return write(client, {
    address: deployment.assets,
    abi: assetsAbi,
    functionName: 'setSpec',
    args: [asset, spec, uri],
    overrides,
  })
}
