import { askForRefund, finalizeBatchWithdraw, requestBatchWithdraw } from '@millrace/pay'
import { confirm, MillraceError } from '@millrace/sdk'
import type { Hash } from 'viem'
import { getBlock } from 'viem/actions'
import type { Connection } from '../connection/connect.ts'
import type { OpenAccount } from '../connection/openAccount.ts'
import { openPurse } from '../paying/openPurse.ts'
import { ChannelServiceUnknownError, ChannelStateError } from './errors.ts'
import { type BatchHomeChannel, batchEndsAt, batchLifeOf } from './findBatchChannels.ts'

/** What became of leaving a channel of `batch-settlement`. */
export type BatchLeave =
  /** The seller gave it back. */
  | { readonly type: 'refunded'; readonly transaction: string; readonly amount: bigint }
  /** It did not, and why: the withdrawal is announced. */
  | { readonly type: 'announced'; readonly transaction: Hash; readonly reason: string }
  /** The delay is over: what was left came back. */
  | { readonly type: 'withdrawn'; readonly transaction: Hash; readonly amount: bigint }

/**
 * Asks the seller of a channel, where it was last paid, for what was not charged, or for `amount` of it.
 *
 * @returns Its transaction, and what came back, in base units.
 * @throws RefundRefusedError, ChannelServiceUnknownError, and what the request throws; then nothing has changed
 */
export async function refundBatchChannel(
  connection: Connection,
  options: { readonly known: BatchHomeChannel; readonly payer: OpenAccount; readonly amount?: bigint },
): Promise<{ readonly transaction: string; readonly amount: bigint }> {
  const { known, payer, amount } = options
  const [method = '', url = ''] = known.service?.split(' ') ?? []
  if (!/^https?:/.test(url)) throw new ChannelServiceUnknownError({ channel: known.id })
  const purse = await openPurse(connection, { payer, perPayment: 0n })
  try {
    const { batch } = purse
    if (batch === null) throw new ChannelServiceUnknownError({ channel: known.id })
    const settled = await askForRefund({ batch, url, method, ...(amount === undefined ? {} : { amount }) })
    return { transaction: settled.transaction, amount: BigInt(settled.amount ?? 0) }
  } finally {
    await purse.close()
  }
}

/**
 * Leaves a channel as its payer: with the seller's consent at once; else the withdrawal is announced, and completed after the delay.
 *
 * @throws ChannelStateError, and what sending the transactions throws
 */
export async function leaveBatchChannel(
  connection: Connection,
  options: { readonly known: BatchHomeChannel; readonly payer: OpenAccount },
): Promise<BatchLeave> {
  const { known, payer } = options
  const { id, config, onChain } = known
  const life = batchLifeOf(known)
  const left = onChain.balance - onChain.totalClaimed
  if (life === 'closing') {
    await requireOver(connection, known)
    const transaction = await finalizeBatchWithdraw(payer.client, { config })
    await confirm(payer.client, transaction)
    return { type: 'withdrawn', transaction, amount: onChain.withdrawing < left ? onChain.withdrawing : left }
  }
  if (life === 'none') throw new ChannelStateError({ channel: id, state: 'empty', action: 'closed' })
  let reason: string
  try {
    return { type: 'refunded', ...(await refundBatchChannel(connection, { known, payer })) }
  } catch (error) {
    if (error instanceof MillraceError) reason = error.message
    else if (error instanceof TypeError || error instanceof DOMException)
      reason = `The seller at '${known.service}' cannot be reached.`
    else throw error
  }
  const transaction = await requestBatchWithdraw(payer.client, { config, amount: left })
  await confirm(payer.client, transaction)
  return { type: 'announced', transaction, reason }
}

/** The delay is over by the chain's clock. */
async function requireOver({ client }: Connection, known: BatchHomeChannel): Promise<void> {
  const { timestamp } = await getBlock(client)
  const until = batchEndsAt(known)
  if (timestamp >= BigInt(until)) return
  throw new ChannelStateError({ channel: known.id, state: 'closing', action: 'ended', until })
}
