import { confirm, getLease, MillraceError, openLease } from '@millrace/sdk'
import { isAddressEqual } from 'viem'
import { JobNotStartedError } from './errors.ts'
import { elapsedMs, type JobContext, unixNow } from './jobContext.ts'
import { type Order, offerOf } from './order.ts'

/**
 * Opens the lease of an order, once: its id is the offer's digest, so a repetition after a crash finds it open, or opens
 * it, and can never open a second one.
 *
 * @throws JobNotStartedError if the chain refuses it, or another account took the offer; nothing was paid then.
 */
export async function openOrderLease(context: JobContext, order: Order): Promise<void> {
  const { connection, buyer, onEvent } = context
  const { deployment } = connection
  const { terms, opening, opened } = order.state
  const { lease, duration } = terms
  if (opened) return
  /** Whether it is on chain already and ours; anyone may have opened a lease on an offer made for anyone. */
  const isOpenedByUs = async (): Promise<boolean> => {
    const found = await getLease(connection.client, { deployment, lease })
    if (found === null) return false
    if (isAddressEqual(found.buyer, terms.buyer)) {
      order.note({ type: 'opened', at: unixNow(), transaction: `0x${'0'.repeat(64)}` })
      return true
    }
    const reason = `account ${found.buyer} took the offer first`
    order.note({ type: 'abandoned', at: unixNow(), reason })
    throw new JobNotStartedError({ lease, reason })
  }
  // Only after a crash can ours be there already.
  if (opening && (await isOpenedByUs())) return
  const { offer, signature } = offerOf(terms)
  onEvent({ event: 'opening', lease })
  order.note({ type: 'opening', at: unixNow() })
  try {
    const transaction = await openLease(buyer.client, { deployment, offer, signature, duration })
    await confirm(buyer.client, transaction)
    order.note({ type: 'opened', at: unixNow(), transaction })
    onEvent({ event: 'opened', lease, transaction, ms: elapsedMs(context) })
  } catch (cause) {
    if (!(cause instanceof MillraceError) || cause.retryable) throw cause
    // A transaction of ours may have gone through without our hearing of it.
    if (cause.code === 'LEASE_EXISTS') {
      if (await isOpenedByUs()) return
      // The endpoint does not know yet what it refuses to repeat.
      throw cause
    }
    order.note({ type: 'abandoned', at: unixNow(), reason: cause.message })
    throw new JobNotStartedError({ lease, reason: cause.message, cause })
  }
}
