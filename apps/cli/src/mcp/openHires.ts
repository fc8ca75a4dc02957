import type { BudgetReservation } from '@millrace/pay'
import { getLease } from '@millrace/sdk'
import { type Hash, isAddressEqual } from 'viem'
import type { Connection } from '../connection/connect.ts'
import type { OpenAccount } from '../connection/openAccount.ts'
import { settlementOf } from '../jobs/closeLease.ts'
import type { JobEvent } from '../jobs/events.ts'
import { openOrder } from '../jobs/order.ts'
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
  /** Leaves what runs running: the whole deposit of its leases stays counted. */
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

/** Keeps the jobs that a server pays for; they outlive the tool call that started them. */
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
    const order = openOrder(connection.paths, lease)
    order.close()
    return order.state.abandoned === null ? null : 0n
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

  return {
    start,
    find: (lease) => [...running].find((hire) => hire.lease === lease),
    async leave() {
      leaving.abort()
      await Promise.allSettled([...running].map(({ done }) => done))
    },
  }
}
