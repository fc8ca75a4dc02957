import type { Hash } from 'viem'
import { creditOf } from '../deployments/creditOf.ts'
import type { Deployment } from '../deployments/deployment.ts'
import { appraisalsAbi } from '../generated/appraisals.ts'
import { type TransactionOverrides, type WriteClient, write } from '../transactions/write.ts'
import type { SignedAppraisal } from './appraisal.ts'

/** What `appraiseAsset` takes. */
export interface AppraiseAssetParameters {
  readonly deployment: Deployment
  /** Of one panel, asset and curve, in any order. */
  readonly signed: readonly SignedAppraisal[]
  readonly overrides?: TransactionOverrides
}

/**
 * Records the median of signed appraisals as what the panel says of the asset; of an even number the lower middle one counts. Anyone.
 * The record is as old as the oldest of them and expires with the first.
 *
 * @param client A viem client with the sender's account.
 * @param parameters Deployment and signed appraisals.
 * @returns The transaction's hash; `confirm` waits for it.
 * @throws RevertError with the contract's reason, CreditContractsUnknownError, GasMoneyError, ChainUnreachableError.
 * @example
 * const hash = await appraiseAsset(client, { deployment, signed: [signedAppraisal] })
 */
export function appraiseAsset(client: WriteClient, parameters: AppraiseAssetParameters): Promise<Hash> {
  const { deployment, signed, overrides } = parameters
  // The contract takes them in ascending order, so that it need not sort.
  const sorted = [...signed].sort((a, b) => (a.appraisal.value < b.appraisal.value ? -1 : 1))
  return write(client, {
    address: creditOf(deployment).appraisals,
    abi: appraisalsAbi,
    functionName: 'appraise',
    args: [sorted],
    overrides,
  })
}
