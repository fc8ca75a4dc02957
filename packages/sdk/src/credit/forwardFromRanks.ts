import type { Address, Hash } from 'viem'
import { creditOf } from '../deployments/creditOf.ts'
import type { Deployment } from '../deployments/deployment.ts'
import { ranksAbi } from '../generated/ranks.ts'
import { type TransactionOverrides, type WriteClient, write } from '../transactions/write.ts'

/** What `forwardFromRanks` takes. */
export interface ForwardFromRanksParameters {
  readonly deployment: Deployment
  readonly facility: Address
  readonly overrides?: TransactionOverrides
}

/**
 * Moves what the ranks collected for a facility into its account in the till. Anyone; a facility does it itself before it pays something
 * out, and counts the money as its own from the settlement on.
 *
 * @param client A viem client with the sender's account.
 * @param parameters Deployment and facility.
 * @returns The transaction's hash; `confirm` waits for it.
 * @throws RevertError with the contract's reason, CreditContractsUnknownError, GasMoneyError, ChainUnreachableError.
 * @example
 * const hash = await forwardFromRanks(client, { deployment, facility })
 */
export async function forwardFromRanks(
  client: WriteClient,
  parameters: ForwardFromRanksParameters,
): Promise<Hash> {
  const { deployment, facility, overrides } = parameters
  return write(client, {
    address: creditOf(deployment).ranks,
    abi: ranksAbi,
    functionName: 'forward',
    args: [facility],
    overrides,
  })
}
