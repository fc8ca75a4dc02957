import type { Address, Hash } from 'viem'
import { creditOf } from '../deployments/creditOf.ts'
import type { Deployment } from '../deployments/deployment.ts'
import { ranksAbi } from '../generated/ranks.ts'
import { type TransactionOverrides, type WriteClient, write } from '../transactions/write.ts'

/** What `dropRank` takes. */
export interface DropRankParameters {
  readonly deployment: Deployment
  /** Id of the asset. */
  readonly asset: bigint
  readonly facility: Address
  readonly overrides?: TransactionOverrides
}

/**
 * Takes a facility with nothing outstanding out of the ranks of an asset; who stands behind it moves up. Owner of the asset.
 *
 * @param client A viem client with the owner's account.
 * @param parameters Deployment, asset and facility.
 * @returns The transaction's hash; `confirm` waits for it.
 * @throws RevertError with the contract's reason, CreditContractsUnknownError, GasMoneyError, ChainUnreachableError.
 * @example
 * const hash = await dropRank(client, { deployment, asset: 1n, facility })
 */
export async function dropRank(client: WriteClient, parameters: DropRankParameters): Promise<Hash> {
  const { deployment, asset, facility, overrides } = parameters
  return write(client, {
    address: creditOf(deployment).ranks,
    abi: ranksAbi,
    functionName: 'drop',
    args: [asset, facility],
    overrides,
  })
}
