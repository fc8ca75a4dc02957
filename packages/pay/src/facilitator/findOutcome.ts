import type { ReadClient } from '@millrace/sdk'
import type { Hash, TransactionReceipt } from 'viem'
import { receiptOf } from '../chain/askChain.ts'
import type { RefusalReason, SettleablePayment, SettlementReasons } from './settleable.ts'

/** What became of a settlement. `hash` is of the transaction that moved the money, which need not be ours. */
export type Outcome =
  | { readonly type: 'settled'; readonly hash: Hash }
  | { readonly type: 'failed'; readonly reason: RefusalReason }

export interface SentSettlement {
  readonly payment: SettleablePayment
  readonly reasons: SettlementReasons
  /** Every transaction that was signed for it, the newest last; all have the same number, so one at most is mined. */
  readonly hashes: readonly Hash[]
  /** Nothing about it is in an older block. */
  readonly block: bigint
}

/**
 * Looks at the chain for what became of a settlement: our transaction, or another one that spent the same authorization,
 * for anyone who saw ours may send its content first. Null while nothing is decided.
 *
 * @param options `ownOnly` looks for ours alone, which is the usual case and one question instead of two.
 */
export async function findOutcome(
  client: ReadClient,
  sent: SentSettlement,
  options: { readonly ownOnly?: true } = {},
): Promise<Outcome | null> {
  const { payment, reasons, block } = sent
  const receipt = await firstReceipt(client, sent.hashes)
  if (receipt !== null && receipt.status === 'success')
    return payment.isPaid(receipt)
      ? { type: 'settled', hash: receipt.transactionHash }
      : { type: 'failed', reason: reasons.transferEvent }
  if (receipt === null && options.ownOnly) return null
  const other = await payment.findSpender(client, block)
  if (other !== null)
    return payment.isPaid(other)
      ? { type: 'settled', hash: other.transactionHash }
      : { type: 'failed', reason: reasons.nonceUsed }
  if (receipt === null) return null
  const { reason } = await payment.diagnose(client)
  return { type: 'failed', reason: reason === reasons.simulation ? reasons.transaction : reason }
}

async function firstReceipt(client: ReadClient, hashes: readonly Hash[]): Promise<TransactionReceipt | null> {
  for (const hash of hashes.toReversed()) {
    const receipt = await receiptOf(client, hash)
    if (receipt !== null) return receipt
  }
  return null
}
