import type { ReadClient } from '@millrace/sdk'
import {
  type Address,
  type Hash,
  isAddressEqual,
  parseEventLogs,
  type TransactionReceipt,
  TransactionReceiptNotFoundError,
} from 'viem'
import { getContractEvents, getTransactionReceipt, readContract } from 'viem/actions'
import { diagnoseExact } from '../exact/checkExact.ts'
import { type ExactReason, exactReasons } from '../exact/reasons.ts'
import { tokenAbi } from '../exact/tokenAbi.ts'
import type { ExactPayment } from '../exact/verifyExact.ts'
import type { PaymentRequirements } from '../wire/x402.ts'

/** What became of a settlement. `hash` is of the transaction that moved the money, which need not be ours. */
export type Outcome =
  | { readonly type: 'settled'; readonly hash: Hash }
  | { readonly type: 'failed'; readonly reason: ExactReason }

export interface SentSettlement {
  readonly payment: ExactPayment
  readonly requirements: PaymentRequirements
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
  const receipt = await firstReceipt(client, sent.hashes)
  if (receipt !== null && receipt.status === 'success')
    return isPaid(receipt, sent)
      ? { type: 'settled', hash: receipt.transactionHash }
      : { type: 'failed', reason: exactReasons.transferEvent }
  if (receipt === null && options.ownOnly) return null
  const other = await findSpender(client, sent)
  if (other !== null)
    return isPaid(other, sent)
      ? { type: 'settled', hash: other.transactionHash }
      : { type: 'failed', reason: exactReasons.nonceUsed }
  if (receipt === null) return null
  const { reason } = await diagnoseExact(client, sent.payment, sent.requirements)
  return {
    type: 'failed',
    reason: reason === exactReasons.simulation ? exactReasons.transaction : reason,
  }
}

async function firstReceipt(client: ReadClient, hashes: readonly Hash[]): Promise<TransactionReceipt | null> {
  for (const hash of hashes.toReversed()) {
    const receipt = await receiptOf(client, hash)
    if (receipt !== null) return receipt
  }
  return null
}

async function receiptOf(client: ReadClient, hash: Hash): Promise<TransactionReceipt | null> {
  try {
    return await getTransactionReceipt(client, { hash })
  } catch (error) {
    if (error instanceof TransactionReceiptNotFoundError) return null
    throw error
  }
}

/** The transaction that spent the authorization, null while it is not spent. */
async function findSpender(client: ReadClient, sent: SentSettlement): Promise<TransactionReceipt | null> {
  const { from, nonce } = sent.payment.authorization
  const token = { address: sent.requirements.asset as Address, abi: tokenAbi } as const
  const used = await readContract(client, {
    ...token,
    functionName: 'authorizationState',
    args: [from, nonce],
  })
  if (!used) return null
  const [event] = await getContractEvents(client, {
    ...token,
    eventName: 'AuthorizationUsed',
    args: { authorizer: from, nonce },
    fromBlock: sent.block,
  })
  return event === undefined ? null : receiptOf(client, event.transactionHash)
}

function isPaid(receipt: TransactionReceipt, { payment, requirements }: SentSettlement): boolean {
  const { from, to, value } = payment.authorization
  const logs = receipt.logs.filter(({ address }) => isAddressEqual(address, requirements.asset as Address))
  return parseEventLogs({ abi: tokenAbi, eventName: 'Transfer', logs }).some(
    ({ args }) => isAddressEqual(args.from, from) && isAddressEqual(args.to, to) && args.value === value,
  )
}
