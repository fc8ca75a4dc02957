import { getLease } from '@millrace/sdk'
import { settleOrderLease, stopOrderLease } from './closeLease.ts'
import { LeaseStateError } from './errors.ts'
import { finishOrder, type JobSummary, summaryOf } from './finishOrder.ts'
import { type JobContext, unixNow } from './jobContext.ts'
import type { Order } from './order.ts'

/**
 * Stops a lease at this second, and does what is to be done after a job: outputs, settlement, receipt.
 *
 * @throws LeaseStateError if there is nothing to stop
 */
export async function stopOrder(context: JobContext, order: Order, reason: string): Promise<JobSummary> {
  const { deployment, client } = context.connection
  const lease = await getLease(client, { deployment, lease: order.lease })
  if (lease === null || lease.state === 'settled')
    throw new LeaseStateError({
      lease: order.lease,
      state: lease === null ? 'not open' : 'settled already',
      action: 'stopped',
    })
  // Money first; the machine is asked for the rest afterwards.
  await stopOrderLease(context, order, reason)
  if (lease.startedAt !== 0) return finishOrder(context, order, reason)
  await settleOrderLease(context, order)
  order.note({ type: 'abandoned', at: unixNow(), reason: 'stopped before it began' })
  return summaryOf(order, null)
}
