import { type Hash, parseEventLogs, type TransactionReceipt } from 'viem'
import { creditOf } from '../deployments/creditOf.ts'
import type { Deployment } from '../deployments/deployment.ts'
import { appraisalsAbi } from '../generated/appraisals.ts'
import { type TransactionOverrides, type WriteClient, write } from '../transactions/write.ts'
import type { DepreciationCurve } from './appraisal.ts'

/** What `publishCurve` takes. */
export interface PublishCurveParameters {
  readonly deployment: Deployment
  /** Half-life in seconds, a day or more, and what a sale brings less. */
  readonly curve: DepreciationCurve
  readonly overrides?: TransactionOverrides
}

/**
 * Publishes a depreciation curve, for good: half of the value is lost each half-life, and a sale brings a haircut
 * less. Anyone.
 *
 * @param client A viem client with the sender's account.
 * @param parameters Deployment and curve.
 * @returns The transaction's hash; `publishedCurve(await confirm(client, hash))` is its number.
 * @throws RevertError with the contract's reason, CreditContractsUnknownError, GasMoneyError, ChainUnreachableError.
 * @example
 * const hash = await publishCurve(client, { deployment, curve: { halfLife: 730 * 86_400, haircutBps: 2_500 } })
 */
export function publishCurve(client: WriteClient, parameters: PublishCurveParameters): Promise<Hash> {
  const { deployment, curve, overrides } = parameters
  return write(client, {
    address: creditOf(deployment).appraisals,
    abi: appraisalsAbi,
    functionName: 'publish',
    args: [curve],
    overrides,
  })
}

/**
 * Reads the number of a new curve from its transaction.
 *
 * @param receipt Receipt of a `publishCurve` transaction.
 * @returns Its number, or `null` if no curve was published in it.
 * @example
 * const curve = publishedCurve(await confirm(client, hash))
 */
export function publishedCurve(receipt: Pick<TransactionReceipt, 'logs'>): number | null {
  const [event] = parseEventLogs({ abi: appraisalsAbi, eventName: 'CurvePublished', logs: receipt.logs })
  return event?.args.curve ?? null
}
