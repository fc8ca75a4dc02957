import { setTimeout as sleep } from 'node:timers/promises'
import type { Session } from '@millrace/sdk'
import type { Hash } from 'viem'
import type { Currency } from '../output/amounts.ts'
import { acknowledgeReceipt } from './acknowledgeReceipt.ts'
import { settleOrderLease, stopOrderLease } from './closeLease.ts'
import { fetchOutputs } from './fetchOutputs.ts'
import { isJobOver, noteEnd, readRestOfLog } from './followJob.ts'
import type { JobContext } from './jobContext.ts'
import { openJobSession } from './jobSession.ts'
import { type Order, offerOf } from './order.ts'

/** What a job came to. Amounts in base units. */
export interface JobSummary {
  readonly lease: Hash
  readonly name: string
  readonly asset: bigint
  readonly device: string
  /** How the job ended: `done failed stopped expired lost`. */
  readonly state: string
  readonly exitCode: number | null
  readonly reason: string | null
  /** Paid seconds. */
  readonly seconds: number
  readonly pricePerHour: bigint
  readonly deposit: bigint
  readonly paid: bigint
  readonly refunded: bigint
  readonly currency: Currency
  readonly outputs: {
    readonly folder: string
    readonly files: readonly { path: string; size: number; sha256: string }[]
  }
  readonly log: string
  /** `null` where the machine gave none that holds; `problem` says why. */
  readonly receipt: string | null
  readonly problem: string | null
}

/**
 * Everything after a job's end: stops the lease at this second, fetches the outputs, waits for the settlement, and
 * acknowledges the receipt. Each step is done once, whatever was interrupted before.
 */
export async function finishOrder(context: JobContext, order: Order, reason: string): Promise<JobSummary> {
  // First, because every second costs.
  await stopOrderLease(context, order, reason)
  const problems: string[] = []
  // Each is tried whatever became of the others; money does not wait for a machine that answers badly.
  const attempt = async (step: () => Promise<unknown>) => {
    await step().catch((error: unknown) => problems.push(message(error)))
  }
  let session: Session | null = null
  await attempt(async () => {
    session = await openJobSession(context.connection, {
      terms: order.state.terms,
      account: context.buyer.account,
    })
  })
  const open = session as Session | null
  try {
    if (open !== null && order.state.accepted) {
      await attempt(() => awaitEnd(context, order, open))
      if (order.state.fetched === null && order.state.startedAt !== null)
        await attempt(() => fetchOutputs(context, order, { session: open }))
    }
    await settleOrderLease(context, order)
    if (open !== null && order.state.receipt === null && order.state.startedAt !== null)
      await attempt(() => acknowledgeReceipt(context, order, open))
  } finally {
    open?.close()
  }
  return summaryOf(order, problems.length === 0 ? null : problems.join(' '))
}

/** Milliseconds that a stopped job may take to end and to have its outputs collected. */
const endPatience = 30_000

/** A stopped lease ends its job; the outputs are there when it has ended. The rest of the log is read as well. */
async function awaitEnd(context: JobContext, order: Order, session: Session): Promise<void> {
  if (order.state.ended !== null) return
  let status = (await session.request('job.stop', {})).result
  const until = Date.now() + endPatience
  while (!isJobOver(status) && Date.now() < until) {
    await sleep(100)
    status = (await session.request('job.status', {})).result
  }
  await readRestOfLog(context, order, session)
  noteEnd(context, order, status)
}

const message = (error: unknown) => (error instanceof Error ? error.message : String(error))

/** What is known of an order, as a summary. */
export function summaryOf(order: Order, problem: string | null): JobSummary {
  const { terms, ended, settled, fetched, receipt, stopping, maxCost } = order.state
  const { offer, spec } = offerOf(terms)
  return {
    lease: order.lease,
    name: terms.job.name,
    asset: offer.asset,
    device: spec.device,
    state: ended?.state ?? (stopping === null ? 'lost' : 'stopped'),
    exitCode: ended?.exitCode ?? null,
    reason: ended?.reason ?? stopping,
    seconds: settled?.seconds ?? 0,
    pricePerHour: offer.pricePerHour,
    deposit: maxCost,
    paid: settled?.earned ?? 0n,
    refunded: settled?.refunded ?? 0n,
    currency: terms.currency,
    outputs: { folder: terms.outputDir, files: fetched?.files ?? [] },
    log: order.file('log'),
    receipt: receipt?.path ?? null,
    problem,
  }
}
