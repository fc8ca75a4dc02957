import { setTimeout as sleep } from 'node:timers/promises'
import { confirm, getLease, type Lease, RevertError, settleLease, stopLease } from '@millrace/sdk'
import { type JobContext, unixNow } from './jobContext.ts'
import type { Order } from './order.ts'

/** Seconds in which the machine may settle by itself before we do. */
const settlePatience = 10
const lookEveryMs = 50

/** What the chain says of a lease whose time is over: nothing is left to stop, settling is what remains. */
const overCodes: ReadonlySet<string> = new Set(['START_TOO_LATE', 'LEASE_OVER'])

/**
 * Ends the lease at this second, if there is anything left to end. Once stopped it is never stopped twice.
 *
 * @returns Whether the chain says that its time is over, though ours says that it is not.
 */
export async function stopOrderLease(context: JobContext, order: Order, reason: string): Promise<boolean> {
  const { connection, buyer, onEvent } = context
  const { deployment, client } = connection
  const lease = await getLease(client, { deployment, lease: order.lease })
  if (lease === null || !isStoppable(lease)) return false
  onEvent({ event: 'stopping', lease: order.lease, reason })
  order.note({ type: 'stopping', at: unixNow(), reason })
  try {
    await confirm(buyer.client, await stopLease(buyer.client, { deployment, lease: order.lease }))
  } catch (error) {
    // It ran out: the chain's clock may be ahead of ours.
    if (error instanceof RevertError && overCodes.has(error.code)) return true
    // The operator stopped it in the same moment.
    const now = await getLease(client, { deployment, lease: order.lease })
    if (!(error instanceof RevertError) || now === null || isStoppable(now)) throw error
  }
  return false
}

const isStoppable = (lease: Lease): boolean =>
  (lease.state === 'open' && unixNow() <= lease.startBy) ||
  (lease.state === 'running' && unixNow() < lease.endsAt)

/** Whether nothing more can be earned by a lease. */
export const isLeaseOver = (lease: Lease): boolean => !isStoppable(lease)

/** What a settled lease came to. */
export interface Settlement {
  readonly seconds: number
  readonly earned: bigint
  readonly refunded: bigint
}

/**
 * Waits until a lease that is over is settled; settles it ourselves if the machine does not. One that still runs, because
 * it started in the moment it was given up, is stopped first.
 *
 * @returns What it came to, as the contract computes it: every started second, rounded down; the rest comes back.
 */
export async function settleOrderLease(context: JobContext, order: Order): Promise<Settlement> {
  const { connection, buyer, onEvent } = context
  const { deployment, client } = connection
  if (order.state.settled !== null) return order.state.settled
  const patience = order.state.startedAt === null ? 0 : settlePatience * 1000
  const until = Date.now() + patience
  /** Whether the chain says so, whose clock may be ahead of ours. */
  let isOver = false
  for (;;) {
    const lease = await getLease(client, { deployment, lease: order.lease })
    if (lease === null) return { seconds: 0, earned: 0n, refunded: 0n }
    if (lease.state === 'settled') {
      const settlement = settlementOf(lease)
      order.note({
        type: 'settled',
        at: unixNow(),
        seconds: settlement.seconds,
        earned: settlement.earned.toString(),
        refunded: settlement.refunded.toString(),
      })
      onEvent({ event: 'settled', lease: order.lease, ...settlement })
      return settlement
    }
    if (Date.now() >= until && (lease.state === 'stopped' || isOver || isLeaseOver(lease))) {
      try {
        await confirm(buyer.client, await settleLease(buyer.client, { deployment, lease: order.lease }))
      } catch (error) {
        // The machine was quicker, or the chain's clock is a second behind ours.
        if (!(error instanceof RevertError)) throw error
        await sleep(1000)
      }
      continue
    }
    if (!isOver && isStoppable(lease)) {
      // It started after all, by the chain's clock in time: every second until it is stopped costs.
      isOver = await stopOrderLease(context, order, order.state.stopping ?? 'the lease is given up')
      continue
    }
    await sleep(lookEveryMs)
  }
}

/** The arithmetic of the market: `earned + refunded == deposit`, always. */
export function settlementOf(lease: Lease): Settlement {
  const seconds = lease.startedAt === 0 ? 0 : lease.stoppedAt - lease.startedAt
  const earned = (lease.pricePerHour * BigInt(seconds)) / 3600n
  return { seconds, earned, refunded: lease.deposit - earned }
}
