import type { Hash } from 'viem'
import type { Deployment } from '../deployments/deployment.ts'
import { tillAbi } from '../generated/till.ts'
import { type TransactionOverrides, type WriteClient, write } from '../transactions/write.ts'
import type { Upstream, UpstreamConsent } from './upstream.ts'

/** What `setUpstream` takes. */
export interface SetUpstreamParameters {
  readonly deployment: Deployment
  /** Id of the asset. */
  readonly asset: bigint
  /** Upstream assets in ascending order with their parts in basis points. */
  readonly upstream: readonly Upstream[]
  /** One for each asset named in order, then one for each asset dropped in order, from `signUpstreamConsent`. */
  readonly consents: readonly UpstreamConsent[]
  readonly overrides?: TransactionOverrides
}

/**
 * Names the upstream assets and their parts of an asset's revenue. By the owner, with the consent of every upstream owner.
 *
 * @param client A viem client with the sender's account.
 * @param parameters Deployment, asset, upstream parts and consents.
 * @returns The transaction's hash; `confirm` waits for it.
 * @throws RevertError with the contract's reason, GasMoneyError, ChainUnreachableError.
 * @example
 * const hash = await setUpstream(client, { deployment, asset: 3n, upstream: [{ asset: 1n, bps: 500 }], consents: [consent] })
 */
export function setUpstream(client: WriteClient, parameters: SetUpstreamParameters): Promise<Hash> {
  const { deployment, asset, upstream, consents, overrides } = parameters
  return write(client, {
    address: deployment.till,
    abi: tillAbi,
    functionName: 'setUpstream',
    args: [asset, upstream, consents],
    overrides,
  })
}
