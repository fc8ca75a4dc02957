import type { Connection } from '../connection/connect.ts'
import type { OpenAccount } from '../connection/openAccount.ts'
import type { OnJobEvent } from './events.ts'

/** What every step of an order works with. */
export interface JobContext {
  readonly connection: Connection
  readonly buyer: OpenAccount
  readonly onEvent: OnJobEvent
  /** Aborted when the person leaves; the job goes on. */
  readonly detach: AbortSignal
  /** Aborted when the person wants the lease stopped. */
  readonly stop: AbortSignal
  /** Start of the order, of `performance.now()`. */
  readonly startedAt: number
}

export const elapsedMs = (context: JobContext): number => Math.round(performance.now() - context.startedAt)
export const unixNow = (): number => Math.floor(Date.now() / 1000)
