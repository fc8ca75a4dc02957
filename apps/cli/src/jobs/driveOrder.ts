import { getLease } from '@millrace/sdk'
import { settleOrderLease, stopOrderLease } from './closeLease.ts'
import { InterruptedError, JobNotStartedError, LeaseVanishedError } from './errors.ts'
import { finishOrder, type JobSummary } from './finishOrder.ts'
import { followJob } from './followJob.ts'
import { type JobContext, unixNow } from './jobContext.ts'
import { openOrderLease } from './openOrderLease.ts'
import type { Order } from './order.ts'

/** How often a lease that reorganisations dropped is opened anew. */
const mostReopenings = 3

/**
 * Takes an order from wherever it stands to its end: opens the lease, sends the job, follows it, stops the lease, fetches
 * the outputs, and acknowledges the receipt. Can be called again after any crash.
 *
 * @throws JobNotStartedError once everything is given back; LeaseVanishedError if reorganisations drop the lease again and
 * again; InterruptedError if the person leaves.
 */
export async function driveOrder(context: JobContext, order: Order): Promise<JobSummary> {
  if (order.state.abandoned !== null)
    throw new JobNotStartedError({ lease: order.lease, reason: order.state.abandoned })
  for (let reopened = 0; ; reopened++) {
    await openOrderLease(context, order)
    try {
      if (order.state.ended === null && order.state.stopping === null) await followJob(context, order)
      break
    } catch (error) {
      if (error instanceof InterruptedError) throw error
      if (error instanceof LeaseVanishedError) {
        order.note({ type: 'vanished', at: unixNow() })
        if (reopened < mostReopenings) continue
      }
      if (error instanceof JobNotStartedError) await giveBack(context, order, error.message)
      throw error
    }
  }
  const reason = context.stop.aborted ? 'the buyer stopped it' : 'the job is over'
  return finishOrder(context, order, reason)
}

/**
 * Ends a lease whose job never began. If the machine started the clock nevertheless, the seconds until now are lost and
 * the rest comes back.
 */
export async function giveBack(context: JobContext, order: Order, reason: string): Promise<void> {
  const { client, deployment } = context.connection
  await stopOrderLease(context, order, reason)
  await settleOrderLease(context, order)
  const lease = await getLease(client, { deployment, lease: order.lease })
  if (lease === null || lease.startedAt === 0) order.note({ type: 'abandoned', at: unixNow(), reason })
  context.onEvent({ event: 'given-back', lease: order.lease, reason })
}
