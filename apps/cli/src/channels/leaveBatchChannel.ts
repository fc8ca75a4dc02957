import { dirname, join } from 'node:path'
import {
  askForRefund,
  type BatchWallet,
  finalizeBatchWithdraw,
  openBatchWallet,
  openBudget,
  readBatchChannel,
  requestBatchWithdraw,
} from '@millrace/pay'
import { confirm, MillraceError } from '@millrace/sdk'
import type { Hash } from 'viem'
import { getBlock } from 'viem/actions'
import type { Connection } from '../connection/connect.ts'
import type { OpenAccount } from '../connection/openAccount.ts'
import { openPurse, purseFiles } from '../paying/openPurse.ts'
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
  options: {
    readonly known: BatchHomeChannel
    readonly payer: OpenAccount
    readonly amount?: bigint
    /** The wallet that it stands in, where that is open already. */
    readonly batch?: BatchWallet | undefined
  },
): Promise<{ readonly transaction: string; readonly amount: bigint }> {
  const { known, payer, amount, batch } = options
  const [method = '', url = ''] = known.service?.split(' ') ?? []
  if (!/^https?:/.test(url)) throw new ChannelServiceUnknownError({ channel: known.id })
  const ask = async (wallet: BatchWallet) => {
    const wanted = amount === undefined ? {} : { amount }
    const settled = await askForRefund({ batch: wallet, url, method, ...wanted })
    return { transaction: settled.transaction, amount: BigInt(settled.amount ?? 0) }
  }
  if (batch !== undefined) return ask(batch)
  const { wallet, close } = await openWalletOf(connection, { known, payer })
  try {
    return await ask(wallet)
  } finally {
    await close()
  }
}

/** The wallet that a channel stands in, while nobody else has it open. */
async function openWalletOf(
  connection: Connection,
  { known, payer }: { readonly known: BatchHomeChannel; readonly payer: OpenAccount },
) {
  const { deployment, currency, client } = connection
  const { file } = known
  if (file === null || file === purseFiles(connection, payer.account.address).batch) {
    const purse = await openPurse(connection, { payer, perPayment: 0n })
    // It stands in a file, so that the chain has the contract.
    if (purse.batch !== null) return { wallet: purse.batch, close: purse.close }
    await purse.close()
    throw new ChannelServiceUnknownError({ channel: known.id })
  }
  // A refund spends nothing.
  const budget = await openBudget({ path: join(dirname(file), 'budget.jsonl'), limits: { lifetime: 0n } })
  const wallet = await openBatchWallet({
    ...{ path: file, deployment, currency, budget, payer: payer.account, maxDeposit: 0n },
    readChannel: (channel) => readBatchChannel(client, { channel }),
  })
  return {
    wallet,
    async close() {
      await wallet.close()
      await budget.close()
    },
  }
}

/**
 * Leaves a channel as its payer: with the seller's consent at once; else the withdrawal is announced, and completed after the delay.
 *
 * @throws ChannelStateError, and what sending the transactions throws
 */
export async function leaveBatchChannel(
  connection: Connection,
  options: {
    readonly known: BatchHomeChannel
    readonly payer: OpenAccount
    readonly batch?: BatchWallet | undefined
  },
): Promise<BatchLeave> {
  const { known, payer, batch } = options
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
    return { type: 'refunded', ...(await refundBatchChannel(connection, { known, payer, batch })) }
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
