import { closeSync, fstatSync, ftruncateSync, openSync, writeSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  getLease,
  type JobStatus,
  jobStatusSchema,
  type Lease,
  type Session,
  SessionRequestError,
} from '@millrace/sdk'
import {
  InterruptedError,
  JobNotStartedError,
  LeaseVanishedError,
  MachineUnreachableError,
} from './errors.ts'
import { elapsedMs, type JobContext, unixNow } from './jobContext.ts'
import { openJobSession } from './jobSession.ts'
import { type Order, shortLease } from './order.ts'
import { sendJob } from './sendJob.ts'

const overStates = ['done', 'failed', 'stopped', 'expired', 'lost']
const startedStates = ['setup', 'running', 'collecting', ...overStates]
/** Whether a job has ended, however. */
export const isJobOver = (status: JobStatus): boolean => overStates.includes(status.state)

const shortestPause = 200
const longestPause = 5000
/** Milliseconds between two questions where the machine says nothing by itself. */
const askEvery = 5000
/** Milliseconds for which an open lease may be missing on chain: what a reorganisation drops is mostly mined again at once. */
const missingPatience = 5000

/**
 * Sees a job through to its end: sends it if that was not done, streams its log, and survives lost connections. Returns
 * when the job is over, or when its lease is.
 *
 * @throws JobNotStartedError if the machine does not begin within the start window; the lease has to be given back.
 * LeaseVanishedError if the chain dropped the lease. InterruptedError if the person leaves.
 */
export async function followJob(context: JobContext, order: Order): Promise<void> {
  const lookAtLease = watchLease(context, order)
  let pause = shortestPause
  for (;;) {
    throwIfLeft(context, order)
    let session: Session | null = null
    try {
      session = await openJobSession(context.connection, {
        terms: order.state.terms,
        account: context.buyer.account,
      })
      pause = shortestPause
      const status = await followSession(context, order, { session, lookAtLease })
      if (status !== null) {
        noteEnd(context, order, status)
        return
      }
    } catch (error) {
      if (isFinal(error)) throw error
      // The machine's own word is final unless it says that it may change.
      if (error instanceof SessionRequestError && !error.retryable && order.state.startedAt === null)
        throw new JobNotStartedError({ lease: order.lease, reason: error.message, cause: error })
      context.onEvent({
        event: 'reconnecting',
        lease: order.lease,
        reason: error instanceof Error ? error.message : String(error),
      })
    } finally {
      session?.close()
    }
    if (await isLeaseOver(order, lookAtLease)) return
    await sleep(pause, undefined, { signal: AbortSignal.any([context.detach, context.stop]) }).catch(() => {})
    pause = Math.min(pause * 2, longestPause)
    if (context.stop.aborted) return
  }
}

const isFinal = (error: unknown) =>
  error instanceof InterruptedError ||
  error instanceof JobNotStartedError ||
  error instanceof LeaseVanishedError

type LookAtLease = () => Promise<Lease | null>

/**
 * A look at the lease on chain. Throws `LeaseVanishedError` once it has been missing for a while; an answer that does not
 * come says nothing.
 */
function watchLease({ connection }: JobContext, order: Order): LookAtLease {
  const { client, deployment } = connection
  let missingSince: number | null = null
  return async () => {
    const lease = await getLease(client, { deployment, lease: order.lease })
    if (lease !== null) missingSince = null
    else {
      missingSince ??= performance.now()
      if (performance.now() - missingSince >= missingPatience)
        throw new LeaseVanishedError({ lease: order.lease })
    }
    return lease
  }
}

/** A chain that does not answer ends nothing. */
function nullUnlessVanished(error: unknown): null {
  if (error instanceof LeaseVanishedError) throw error
  return null
}

function throwIfLeft(context: JobContext, order: Order): void {
  if (!context.detach.aborted || context.stop.aborted) return
  const id = shortLease(order.lease)
  throw new InterruptedError({
    message: `You left; job '${order.state.terms.job.name}' goes on as lease ${id}.`,
    remedy: `millrace logs -f ${id} · millrace run --resume ${id} · millrace stop ${id}`,
  })
}

/** One session's worth of following. `null` if the person wants it stopped. */
async function followSession(
  context: JobContext,
  order: Order,
  { session, lookAtLease }: { readonly session: Session; readonly lookAtLease: LookAtLease },
): Promise<JobStatus | null> {
  let latest: JobStatus | null = null
  let wake: () => void = () => {}
  const see = (status: JobStatus) => {
    const isNew = latest?.state !== status.state
    latest = status
    if (isNew) {
      context.onEvent({ event: 'state', lease: order.lease, state: status.state, ms: elapsedMs(context) })
      const { startedAt } = status
      if (order.state.startedAt === null && startedAt !== null && startedAt !== undefined)
        order.note({ type: 'running', at: unixNow(), startedAt })
    }
    wake()
  }
  session.on('job', (event) => {
    const parsed = jobStatusSchema.safeParse(event)
    if (parsed.success) see(parsed.data)
  })
  const log = openLog(order.file('log'))
  let logIsOver = false
  const unlisten = listenToLog(context, { order, session, log })
  session.on('log.end', () => {
    logIsOver = true
    wake()
  })
  try {
    if (!order.state.accepted) {
      see(await sendJob(context, order, session))
      order.note({ type: 'accepted', at: unixNow() })
    } else see((await session.request('job.status', {})).result)
    await session.request('logs.read', { from: log.size(), follow: true })

    const ended = session.closed.then((error) => {
      throw error
    })
    ended.catch(() => {})
    for (;;) {
      const status = latest as JobStatus | null
      // The end of the log comes with the end of the job; a machine that forgets it is not waited for.
      if (status !== null && isJobOver(status) && (logIsOver || !startedStates.includes(status.state)))
        return status
      if (context.stop.aborted) return null
      throwIfLeft(context, order)
      if (!hasStarted(status)) refuseLateStart(order, await lookAtLease())
      const changed = new Promise<void>((resolve) => {
        wake = resolve
      })
      const timer = new AbortController()
      const signal = AbortSignal.any([context.detach, context.stop, timer.signal])
      const pause = sleep(status !== null && isJobOver(status) ? 1000 : askEvery, 'quiet', { signal }).catch(
        () => null,
      )
      const what = await Promise.race([changed, pause, ended])
      timer.abort()
      if (what === 'quiet') {
        if (status !== null && isJobOver(status)) return status
        await lookAtLease().catch(nullUnlessVanished)
        see((await session.request('job.status', {})).result)
      }
    }
  } finally {
    unlisten()
    log.close()
  }
}

const hasStarted = (status: JobStatus | null) => status !== null && startedStates.includes(status.state)

/** A machine that lets the start window pass has broken its promise; the money is free again. */
function refuseLateStart(order: Order, lease: Lease | null): void {
  if (lease?.state === 'open' && unixNow() > lease.startBy)
    throw new JobNotStartedError({ lease: order.lease, reason: 'it let the start window pass' })
}

/** Whether the lease is over on chain, so that there is nothing left to follow. */
async function isLeaseOver(order: Order, lookAtLease: LookAtLease): Promise<boolean> {
  const lease = await lookAtLease().catch(nullUnlessVanished)
  if (lease === null) return false
  if (lease.state === 'open' && unixNow() > lease.startBy)
    throw new JobNotStartedError({
      lease: order.lease,
      reason: 'it let the start window pass',
      cause: new MachineUnreachableError({ device: '', reason: 'no session' }),
    })
  return (
    lease.state === 'stopped' ||
    lease.state === 'settled' ||
    (lease.state === 'running' && unixNow() > lease.endsAt)
  )
}

/** Writes a job's end down, once. */
export function noteEnd(context: JobContext, order: Order, status: JobStatus): void {
  const { state, exitCode = null, reason = null } = status
  if (order.state.ended === null) order.note({ type: 'ended', at: unixNow(), state, exitCode, reason })
  context.onEvent({ event: 'ended', lease: order.lease, state, exitCode, reason })
}

/** Milliseconds that a machine may take to send the rest of a log; the settlement does not wait longer. */
const logPatience = 30_000

/** Appends what the machine's log has beyond ours, as far as it comes within 30 s. */
export async function readRestOfLog(context: JobContext, order: Order, session: Session): Promise<void> {
  const log = openLog(order.file('log'))
  const unlisten = listenToLog(context, { order, session, log })
  const timer = new AbortController()
  try {
    const over = new Promise<void>((resolve) => session.on('log.end', () => resolve()))
    await session.request('logs.read', { from: log.size(), follow: false })
    const patience = sleep(logPatience, undefined, { signal: timer.signal }).catch(() => {})
    await Promise.race([over, session.closed, patience])
  } finally {
    timer.abort()
    unlisten()
    log.close()
  }
}

/** Keeps pieces of the log that are new and passes them on, until what it returns is called. */
function listenToLog(
  context: JobContext,
  { order, session, log }: { readonly order: Order; readonly session: Session; readonly log: LogFile },
): () => void {
  return session.on('log', (event, bytes) => {
    const { offset, stream } = event
    if (typeof offset !== 'number' || (stream !== 'stdout' && stream !== 'stderr' && stream !== 'system'))
      return
    const from = log.size()
    // A piece that was seen before a lost connection comes again.
    const fresh = bytes.subarray(Math.max(0, from - offset))
    if (fresh.length === 0 || offset > from) return
    log.append(fresh)
    const piece = { event: 'log', lease: order.lease, offset: from, stream, bytes: fresh } as const
    context.onEvent({ ...piece, ms: elapsedMs(context) })
  })
}

interface LogFile {
  size(): number
  append(bytes: Uint8Array): void
  close(): void
}

/** The log as far as we have it. */
function openLog(path: string): LogFile {
  const fd = openSync(path, 'a', 0o600)
  let size = fstatSync(fd).size
  return {
    size: () => size,
    append(bytes: Uint8Array) {
      try {
        let written = 0
        while (written < bytes.length) written += writeSync(fd, bytes, written, bytes.length - written)
      } catch (error) {
        ftruncateSync(fd, size)
        throw error
      }
      size += bytes.length
    },
    close: () => closeSync(fd),
  }
}
