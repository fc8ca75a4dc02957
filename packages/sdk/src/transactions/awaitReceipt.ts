import { type Hash, type TransactionReceipt, WaitForTransactionReceiptTimeoutError } from 'viem'
import { waitForTransactionReceipt } from 'viem/actions'
import type { ReadClient } from './write.ts'

/** How a receipt is waited for. Times in milliseconds. */
export interface AwaitReceiptOptions {
  readonly hash: Hash
  readonly confirmations?: number
  readonly timeout: number
  readonly pollingInterval?: number
}

/** Least number of milliseconds after which the chain is asked anew; four looks where those are slower. */
const leastPatience = 2_000

/**
 * Waits for a receipt. viem looks when it is called, and from then on only when the number of the last block changes. A chain that
 * mines on demand may show the new number before the receipt, and then no other block comes; so viem is called anew now and then.
 *
 * @throws WaitForTransactionReceiptTimeoutError of viem, and what the chain throws
 */
export async function awaitReceipt(
  client: ReadClient,
  { timeout, ...options }: AwaitReceiptOptions,
): Promise<TransactionReceipt> {
  const patience = Math.max(leastPatience, 4 * (options.pollingInterval ?? client.pollingInterval))
  const until = Date.now() + timeout
  for (;;) {
    const left = until - Date.now()
    try {
      return await waitForTransactionReceipt(client, {
        ...options,
        timeout: Math.max(1, Math.min(patience, left)),
      })
    } catch (error) {
      if (!(error instanceof WaitForTransactionReceiptTimeoutError) || Date.now() >= until) throw error
    }
  }
}
