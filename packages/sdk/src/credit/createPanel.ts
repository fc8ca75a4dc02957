import { type Address, type Hash, parseEventLogs, type TransactionReceipt } from 'viem'
import { creditOf } from '../deployments/creditOf.ts'
import type { Deployment } from '../deployments/deployment.ts'
import { appraisalsAbi } from '../generated/appraisals.ts'
import { type TransactionOverrides, type WriteClient, write } from '../transactions/write.ts'

/** What `createPanel` takes. */
export interface CreatePanelParameters {
  readonly deployment: Deployment
  /** They count at once; later ones after seven days. */
  readonly appraisers: readonly Address[]
  /** How many must sign an appraisal: 1 to 9. */
  readonly quorum: number
  readonly overrides?: TransactionOverrides
}

/**
 * Makes a panel of appraisers; the sender is its curator, who can change the list.
 *
 * @param client A viem client with the sender's account.
 * @param parameters Deployment, appraisers and quorum.
 * @returns The transaction's hash; `createdPanel(await confirm(client, hash))` is its number.
 * @throws RevertError with the contract's reason, CreditContractsUnknownError, GasMoneyError, ChainUnreachableError.
 * @example
 * const hash = await createPanel(client, { deployment, appraisers: [owner, operator], quorum: 2 })
 */
export function createPanel(client: WriteClient, parameters: CreatePanelParameters): Promise<Hash> {
  const { deployment, appraisers, quorum, overrides } = parameters
  return write(client, {
    address: creditOf(deployment).appraisals,
    abi: appraisalsAbi,
    functionName: 'createPanel',
    args: [appraisers, quorum],
    overrides,
  })
}

/**
 * Reads the number of a new panel from its transaction.
 *
 * @param receipt Receipt of a `createPanel` transaction.
 * @returns Its number, or `null` if no panel was made in it.
 * @example
 * const panel = createdPanel(await confirm(client, hash))
 */
export function createdPanel(receipt: Pick<TransactionReceipt, 'logs'>): bigint | null {
  const [event] = parseEventLogs({ abi: appraisalsAbi, eventName: 'PanelCreated', logs: receipt.logs })
  return event?.args.panel ?? null
}
