import { creditOf } from '../deployments/creditOf.ts'
import type { Deployment } from '../deployments/deployment.ts'
import { appraisalsAbi } from '../generated/appraisals.ts'
import { read } from '../transactions/read.ts'
import type { ReadClient } from '../transactions/write.ts'
import type { DepreciationCurve } from './appraisal.ts'

/**
 * Reads a depreciation curve that was published.
 *
 * @param client A viem client of the chain.
 * @param parameters Deployment and number of the curve.
 * @returns Half-life in seconds, and the part of the value that a sale brings less, in basis points.
 * @throws CreditContractsUnknownError, RevertError (`CurveUnknown`), ChainUnreachableError.
 * @example
 * const { halfLife } = await getCurve(client, { deployment, curve: 0 })
 */
export function getCurve(
  client: ReadClient,
  parameters: { readonly deployment: Deployment; readonly curve: number },
): Promise<DepreciationCurve> {
  const { deployment, curve } = parameters
  return read(client, {
    address: creditOf(deployment).appraisals,
    abi: appraisalsAbi,
    functionName: 'curveOf',
    args: [curve],
  })
}
