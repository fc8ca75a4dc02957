import type { Address, Hash } from 'viem'
import { creditOf } from '../deployments/creditOf.ts'
import type { Deployment } from '../deployments/deployment.ts'
import { ranksAbi } from '../generated/ranks.ts'
import { type TransactionOverrides, type WriteClient, write } from '../transactions/write.ts'

/** A facility's place on an asset. */
export interface Rank {
  /** Listed by the till, in the asset's currency. */
  readonly facility: Address
  /** Most that its loan may draw in all, in base units; what stands behind it counts on no more. */
  readonly cap: bigint
}

/** What `setRanks` takes. */
export interface SetRanksParameters {
  readonly deployment: Deployment
  /** Id of the asset. */
  readonly asset: bigint
  /** First to last, two at most; nobody for none. */
  readonly ranks: readonly Rank[]
  readonly overrides?: TransactionOverrides
}

/**
 * Says which facilities stand on an asset, one behind the other. Owner. They are paid once the ranks fill the debt slot
 * (`setDebt` with `deployment.credit.ranks`). Up to the last that has something outstanding the order stays, less who has not.
 *
 * @param client A viem client with the owner's account.
 * @param parameters Deployment, asset and facilities with their caps in base units.
 * @returns The transaction's hash; `confirm` waits for it.
 * @throws RevertError with the contract's reason, CreditContractsUnknownError, GasMoneyError, ChainUnreachableError.
 * @example
 * const hash = await setRanks(client, { deployment, asset: 1n, ranks: [{ facility, cap: 40_000_000_000n }] })
 */
export async function setRanks(client: WriteClient, parameters: SetRanksParameters): Promise<Hash> {
  const { deployment, asset, ranks, overrides } = parameters
  return write(client, {
    address: creditOf(deployment).ranks,
    abi: ranksAbi,
    functionName: 'set',
    args: [asset, ranks],
    overrides,
  })
}
