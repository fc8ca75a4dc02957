import type { Hash } from 'viem'
import { creditOf } from '../deployments/creditOf.ts'
import type { Deployment } from '../deployments/deployment.ts'
import { appraisalsAbi } from '../generated/appraisals.ts'
import { type TransactionOverrides, type WriteClient, write } from '../transactions/write.ts'

/** What `voidAppraisal` takes. */
export interface VoidAppraisalParameters {
  readonly deployment: Deployment
  readonly panel: bigint
  readonly asset: bigint
  readonly overrides?: TransactionOverrides
}

/**
 * Takes back what a panel said of an asset. By its curator or any of its appraisers.
 *
 * @param client A viem client with the sender's account.
 * @param parameters Deployment, panel and asset.
 * @returns The transaction's hash; `confirm` waits for it.
 * @throws RevertError with the contract's reason, CreditContractsUnknownError, GasMoneyError, ChainUnreachableError.
 * @example
 * const hash = await voidAppraisal(client, { deployment, panel, asset })
 */
export function voidAppraisal(client: WriteClient, parameters: VoidAppraisalParameters): Promise<Hash> {
  const { deployment, panel, asset, overrides } = parameters
  return write(client, {
    address: creditOf(deployment).appraisals,
    abi: appraisalsAbi,
    functionName: 'void',
    args: [panel, asset],
    overrides,
  })
}
