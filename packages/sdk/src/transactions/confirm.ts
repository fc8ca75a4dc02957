import { type Hash, type TransactionReceipt, WaitForTransactionReceiptTimeoutError } from 'viem'
import { call, getTransaction } from 'viem/actions'
import { decodeRevert } from '../errors/decodeRevert.ts'
import { RevertError, TransactionRevertedError, TransactionTimeoutError } from '../errors/transaction.ts'
import { awaitReceipt } from './awaitReceipt.ts'
import type { ReadClient } from './write.ts'

/** How sure a caller wants to be. */
export interface ConfirmOptions {
  /** Blocks including the one that holds the transaction. Default 1. */
  readonly confirmations?: number
  /** Milliseconds. Default 60 000. */
  readonly timeout?: number
  /** Milliseconds between looks. Default: the client's. */
  readonly pollingInterval?: number
}

/**
 * Waits until a transaction is confirmed.
 *
 * @param client A viem client of the chain.
 * @param hash The transaction, as every action of this package returns it.
 * @param options Confirmations (blocks), timeout and polling interval (milliseconds).
 * @returns The receipt.
 * @throws RevertError if it failed and the chain can say why, TransactionRevertedError if not,
 * TransactionTimeoutError, ChainUnreachableError.
 * @example
 * const receipt = await confirm(client, await openLease(client, { deployment, offer, signature, duration }))
 */
export async function confirm(
  client: ReadClient,
  hash: Hash,
  options: ConfirmOptions = {},
): Promise<TransactionReceipt> {
  const { confirmations = 1, timeout = 60_000, pollingInterval = client.pollingInterval } = options
  let receipt: TransactionReceipt
  try {
    receipt = await awaitReceipt(client, { hash, confirmations, timeout, pollingInterval })
  } catch (error) {
    if (error instanceof WaitForTransactionReceiptTimeoutError)
      throw new TransactionTimeoutError({ hash, confirmations, timeout, cause: error })
    throw decodeRevert(error)
  }
  if (receipt.status === 'success') return receipt
  throw await reasonOf(client, receipt)
}

/** Runs a failed transaction again on the block it failed in, to hear why. */
async function reasonOf(client: ReadClient, receipt: TransactionReceipt): Promise<Error> {
  const hash = receipt.transactionHash
  try {
    const { from, to, input, value, gas } = await getTransaction(client, { hash })
    const blockNumber = receipt.blockNumber
    await call(client, { account: from, to, data: input, value, gas, blockNumber })
  } catch (error) {
    const decoded = decodeRevert(error)
    if (decoded instanceof RevertError) return decoded
    return new TransactionRevertedError({ hash, cause: error })
  }
  return new TransactionRevertedError({ hash })
}
