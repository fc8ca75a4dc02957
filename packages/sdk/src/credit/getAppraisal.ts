import { creditOf } from '../deployments/creditOf.ts'
import type { Deployment } from '../deployments/deployment.ts'
import { appraisalsAbi } from '../generated/appraisals.ts'
import { read } from '../transactions/read.ts'
import type { ReadClient } from '../transactions/write.ts'

/** What a panel says of an asset. Amounts in base units of the asset's currency. */
export interface AppraisalState {
  /** Worth now: the median after its curve, less the haircut; 0 if it was never appraised. */
  readonly value: bigint
  /** Whether the appraisals have not expired. */
  readonly isFresh: boolean
  /** The median at `asOf`. */
  readonly appraised: bigint
  /** Unix seconds; 0 if it was never appraised. */
  readonly asOf: number
  readonly expiry: number
  /** Number of the depreciation curve. */
  readonly curve: number
}

/**
 * Reads what a panel says that an asset is worth.
 *
 * @param client A viem client of the chain.
 * @param parameters Deployment, panel and asset.
 * @returns Its value now, the record behind it, and whether that is fresh.
 * @throws CreditContractsUnknownError, ChainUnreachableError.
 * @example
 * const { value, isFresh } = await getAppraisal(client, { deployment, panel: 0n, asset })
 */
export async function getAppraisal(
  client: ReadClient,
  parameters: {
    readonly deployment: Deployment
    readonly panel: bigint
    readonly asset: bigint
    readonly blockNumber?: bigint
  },
): Promise<AppraisalState> {
  const { deployment, panel, asset, blockNumber } = parameters
  const of = {
    address: creditOf(deployment).appraisals,
    abi: appraisalsAbi,
    args: [panel, asset],
    ...(blockNumber === undefined ? {} : { blockNumber }),
  } as const
  const [[value, isFresh], [appraised, asOf, expiry, curve]] = await Promise.all([
    read(client, { ...of, functionName: 'valueOf' }),
    read(client, { ...of, functionName: 'recordOf' }),
  ])
  return { value, isFresh, appraised, asOf, expiry, curve }
}
