import { randomUUID } from 'node:crypto'
import type { BudgetReservation } from '@millrace/pay'
import { getLease, hashSchema } from '@millrace/sdk'
import { type Hash, isAddressEqual } from 'viem'
import type { Connection } from '../connection/connect.ts'
import type { OpenAccount } from '../connection/openAccount.ts'
import { settlementOf } from '../jobs/closeLease.ts'
import { driveOrder } from '../jobs/driveOrder.ts'
import { JobNotStartedError, LeaseNotOursError } from '../jobs/errors.ts'
import type { JobEvent } from '../jobs/events.ts'
import { dropOrder, type Order, type OrderState, openOrder } from '../jobs/order.ts'
import { type RunJobOptions, type RunJobResult, runJob } from '../jobs/runJob.ts'
import { BudgetCurrencyError } from './errors.ts'
import type { SpendingLimit } from './spendingLimit.ts'

/** A job that this server pays for, until it is over. */
export interface Hire {
  /** The lease it has at this moment; `null` before there is one. */
  readonly lease: Hash | null
  /** Resolves once the job has a lease, or is over without one. */
  readonly opened: Promise<unknown>
  /** Rejects with what `runJob` throws. */
  readonly done: Promise<RunJobResult>
  stop(): void
}

/** The jobs of this server. */
export interface Hires {
  /** Starts a job. Each lease is reserved in the budget before it is paid, and captured for what it came to. */
  start(options: HireOptions): Hire
  find(lease: Hash): Hire | undefined
  /** Leaves what runs running: the whole deposit of its leases stays reserved, until the next server takes them up. */
  leave(): Promise<void>
}

export type HireOptions = Omit<
  RunJobOptions,
  'connection' | 'buyer' | 'approve' | 'authorize' | 'onEvent' | 'detach' | 'stop'
>

interface OpenHires {
  readonly connection: Connection
  readonly buyer: OpenAccount
  readonly limit: SpendingLimit
}

/** What names a lease's reservation in the budget. */
const leaseRef = 'lease:'

/**
 * Keeps the jobs that a server pays for; they outlive the tool call that started them, and the server: the next one goes on with what it finds
 * in the budget, to the end of the job or until its money is back.
 */
export function openHires({ connection, buyer, limit }: OpenHires): Hires {
  const running = new Set<Hire>()
  const leaving = new AbortController()

  /** What a lease came to, as the chain says; `null` while it can still cost something. */
  async function costOf(lease: Hash): Promise<bigint | null> {
    const { client, deployment } = connection
    const found = await getLease(client, { deployment, lease })
    if (found !== null && isAddressEqual(found.buyer, buyer.account.address))
      return found.state === 'settled' ? settlementOf(found).earned : null
    // The chain refused to open it, or another account took the offer: it never was ours.
    const known = findOrder(lease)
    return known?.opening === true && known.abandoned === null ? null : 0n
  }

  /** An order as this home has it; `null` if it was given up before anything was paid. */
  function findOrder(lease: Hash): OrderState | null {
    try {
      const order = openOrder(connection.paths, lease)
      order.close()
      return order.state
    } catch (error) {
      if (error instanceof LeaseNotOursError) return null
      throw error
    }
  }

  function start(options: HireOptions): Hire {
    const stopping = new AbortController()
    const held = new Map<Hash, BudgetReservation>()
    const paying = new Set<Hash>()
    let lease: Hash | null = null
    let tellOpened = () => {}
    const opened = new Promise<void>((resolve) => {
      tellOpened = resolve
    })

    function onEvent(event: JobEvent): void {
      if (event.event === 'opening') paying.add(event.lease)
      if (event.event !== 'opened') return
      lease = event.lease
      tellOpened()
    }

    /** Frees what a lease did not cost. One that may still cost something keeps its whole deposit. */
    async function end(id: Hash, reservation: BudgetReservation): Promise<void> {
      if (!paying.has(id)) return reservation.release()
      const cost = await costOf(id).catch(() => null)
      if (cost !== null) await reservation.capture(cost)
    }

    async function work(): Promise<RunJobResult> {
      try {
        return await runJob({
          ...options,
          ...{ connection, buyer, onEvent },
          detach: leaving.signal,
          stop: stopping.signal,
          approve: async () => {},
          async authorize({ offer, maxCost }) {
            const { published, id } = offer.listing
            if (!isAddressEqual(published.currency, connection.currency.address))
              throw new BudgetCurrencyError({
                currency: offer.currency.symbol,
                budget: connection.currency.symbol,
              })
            const reservation = await limit.budget.reserve({
              amount: maxCost,
              payee: `asset:${published.offer.asset}`,
              service: 'lease',
              // The chain and this home's order know what it came to, whatever becomes of this process.
              ref: `${leaseRef}${id}:${randomUUID()}`,
              resumable: true,
            })
            held.set(id, reservation)
          },
        })
      } finally {
        for (const [id, reservation] of held) await end(id, reservation)
        running.delete(hire)
        tellOpened()
      }
    }

    const done = work()
    // Whoever waits for it hears of its failure; nobody has to.
    done.catch(() => {})
    const hire: Hire = {
      get lease() {
        return lease
      },
      opened,
      done,
      stop: () => stopping.abort(),
    }
    running.add(hire)
    return hire
  }

  /** Goes on with a job that an earlier server paid for, and frees what it did not cost. */
  function takeUp(ref: string): void {
    const lease = hashSchema.safeParse(ref.slice(leaseRef.length).split(':')[0]).data
    if (!ref.startsWith(leaseRef) || lease === undefined) return
    const known = findOrder(lease)
    const terms = known?.terms
    // Of another wallet or network: that server goes on with it.
    if (
      terms !== undefined &&
      !(isAddressEqual(terms.buyer, buyer.account.address) && terms.network === connection.network)
    )
      return
    const reservation = limit.budget.resume(ref)
    if (reservation === null) return
    const stopping = new AbortController()
    async function work(held: BudgetReservation, id: Hash): Promise<RunJobResult> {
      let order: Order | null = null
      try {
        const lost = new JobNotStartedError({ lease: id, reason: 'its server ended before it was paid' })
        // It gave up the offer and had no time to say so, or died before it paid.
        if (known === null) throw lost
        order = openOrder(connection.paths, id)
        if (!order.state.opening) throw lost
        const context = { connection, buyer, onEvent: () => {}, startedAt: performance.now() }
        const detach = leaving.signal
        const summary = await driveOrder({ ...context, detach, stop: stopping.signal }, order)
        return { ...summary, startMs: null, firstLogMs: null }
      } finally {
        order?.close()
        const cost = await costOf(id).catch(() => null)
        if (cost !== null) await held.capture(cost)
        // Nothing was paid: the offer is free for the next job.
        if (order !== null) dropOrder(order)
      }
    }
    const done = work(reservation, lease).finally(() => running.delete(hire))
    done.catch(() => {})
    const hire: Hire = { lease, opened: Promise.resolve(), done, stop: () => stopping.abort() }
    running.add(hire)
  }

  for (const ref of limit.budget.left()) takeUp(ref)

  return {
    start,
    find: (lease) => [...running].find((hire) => hire.lease === lease),
    async leave() {
      leaving.abort()
      await Promise.allSettled([...running].map(({ done }) => done))
    },
  }
}
