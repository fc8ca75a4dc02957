import type { Address, Hash } from 'viem'
import { creditOf } from '../deployments/creditOf.ts'
import type { Deployment } from '../deployments/deployment.ts'
import { appraisalsAbi } from '../generated/appraisals.ts'
import { type TransactionOverrides, type WriteClient, write } from '../transactions/write.ts'

/** What `setAppraiser` takes. */
export interface SetAppraiserParameters {
  readonly deployment: Deployment
  readonly panel: bigint
  readonly appraiser: Address
  /** Whether its appraisals count: from seven days on, or no longer at once. */
  readonly listed: boolean
  readonly overrides?: TransactionOverrides
}

/**
 * Adds an appraiser to a panel, or removes one. By its curator.
 *
 * @param client A viem client with the sender's account.
 * @param parameters Deployment, panel, appraiser and whether it is listed.
 * @returns The transaction's hash; `confirm` waits for it.
 * @throws RevertError with the contract's reason, CreditContractsUnknownError, GasMoneyError, ChainUnreachableError.
 * @example
 * const hash = await setAppraiser(client, { deployment, panel, appraiser: owner.address, listed: true })
 */
export function setAppraiser(client: WriteClient, parameters: SetAppraiserParameters): Promise<Hash> {
  const { deployment, panel, appraiser, listed, overrides } = parameters
  return write(client, {
    address: creditOf(deployment).appraisals,
    abi: appraisalsAbi,
    functionName: 'setAppraiser',
    args: [panel, appraiser, listed],
    overrides,
  })
}
