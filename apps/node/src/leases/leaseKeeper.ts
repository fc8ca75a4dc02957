import type { Job, JobStatus, ReceiptJson } from '@millrace/sdk'
import type { Hex, PrivateKeyAccount } from 'viem'
import { type NodeChain, startTypedData } from '../chain/chain.ts'
import type { Clock } from '../chain/clock.ts'
import type { Sender } from '../chain/sender.ts'
import type { Entry, LeaseRecord } from '../journal/entries.ts'
import type { NodeJournal } from '../journal/openNodeJournal.ts'
import { makeReceipt } from '../receipts/makeReceipt.ts'
import { backoff } from '../relay/backoff.ts'
import { RunnerError } from '../runners/errors.ts'
import type { Runner, RunnerResult, RunnerStatus, RunningJob } from '../runners/runner.ts'
import type { Log } from '../start/log.ts'
import { createSignal, type Signal } from '../start/signal.ts'
import { createWake } from '../start/wake.ts'
import { SlotTakenError } from './errors.ts'
import { jobStatus } from './jobStatus.ts'
import { occupies } from './occupies.ts'
import { type ChainLease, type LeasePolicy, planLease, type Step } from './planLease.ts'
import { type RunnerCaps, runnerTask } from './runnerTask.ts'

/** What all leases of a node share. */
export interface LeaseContext {
  readonly chain: NodeChain
  readonly clock: Clock
  readonly sender: Sender
  readonly device: PrivateKeyAccount
  readonly asset: bigint
  readonly runner: Runner
  readonly journal: NodeJournal
  readonly policy: LeasePolicy
  readonly caps: RunnerCaps
  /** Seconds between two looks at the chain. */
  readonly poll: number
  /** Blocks that must stand on a deposit of this size before the job starts. */
  readonly confirmations: (deposit: bigint) => number
  /** Whether the runner takes jobs now. */
  readonly ready: () => boolean
  /** Path of the checked bundle of a lease. */
  readonly bundlePath: (lease: LeaseRecord) => Promise<string | null>
  /** Something was noted about a lease: its slot may be free, or its money settled. */
  readonly onNoted: (entry: Entry) => void
  /** Deletes what was kept for a lease. */
  readonly deleteFiles: (lease: Hex) => Promise<void>
  readonly log: Log
}

export interface LeaseKeeper {
  readonly lease: Hex
  readonly record: LeaseRecord | undefined
  /** Something may have changed: look now. */
  wake(): void
  /** Resolves at the next change of anything noted about the lease, or as `Signal.next` is told. */
  readonly changed: Signal['next']
  status(): Promise<JobStatus>
  /** The job at its runner; `null` before it was begun, or if it had ended when this process started. */
  readonly job: RunningJob | null
  /** The job at its runner, also one that ended long ago; `null` before it was begun or when its files are gone. */
  findJob(): Promise<RunningJob | null>
  /** How the job ended; `null` while it has not. */
  result(): Promise<RunnerResult | null>
  /** Deletes the log and the outputs of a job that has ended. What was noted of it stays. */
  deleteFiles(): Promise<void>
  /** Stops the job, not the lease. */
  stopJob(reason: string): Promise<void>
  /** Resolves when the keeper has forgotten the lease, or was closed. */
  readonly ended: Promise<void>
  close(): Promise<void>
}

const LAUNCH_ATTEMPTS = 3
/** Seconds between two looks for a lease that the chain dropped: its transaction may be mined again. */
const VANISHED_POLL = 60
/** Milliseconds after which a start that was mined does not tell the chain's time any more. */
const FRESH = 10_000

/** Carries one lease from opening to the end of its retention: makes the plan, does the step, and again. */
export function keepLease(lease: Hex, context: LeaseContext): LeaseKeeper {
  const { chain, clock, sender, device, runner, journal, policy, log } = context
  const woken = createWake()
  const noted = createSignal()
  const closing = new AbortController()
  let job: RunningJob | null = null
  let stopping = false
  let deadline: number | null = null
  let missingSince: number | null = null
  let settledAtBlock: bigint | null = null
  let launchFailures = 0
  /** When a start sent by this process was seen to be mined, in milliseconds of this machine. */
  let startMinedAt = Number.NEGATIVE_INFINITY

  const record = () => journal.state.leases[lease]

  async function note(entry: Entry): Promise<void> {
    await journal.note(entry)
    noted.fire()
    context.onNoted(entry)
  }

  /** The deadline for the job's supervisor, in this machine's time: the lease's end or the job's own limit. */
  function supervisorDeadline(endsAt: number, spec: Job | undefined, startedAt: number): number {
    const end = endsAt - clock.skew
    return spec?.timeout === undefined ? end : Math.min(end, startedAt - clock.skew + spec.timeout)
  }

  async function look(current: LeaseRecord): Promise<ChainLease> {
    // What is settled for good does not change any more; nothing is asked.
    if (current.settled !== null && current.over !== null) {
      return {
        state: 'settled',
        startedAt: current.started?.startedAt ?? 0,
        stoppedAt: current.over.stoppedAt,
        final: true,
      }
    }
    try {
      const seen = await chain.lease(lease)
      if (seen === null) {
        if (current.over?.how === 'vanished') return { state: 'none', missingFor: Number.POSITIVE_INFINITY }
        missingSince ??= clock.now()
        return { state: 'none', missingFor: clock.now() - missingSince }
      }
      missingSince = null
      switch (seen.state) {
        case 'open':
          return { state: 'open', startBy: seen.startBy, confirmed: await isConfirmed(seen.deposit) }
        case 'running':
          return { state: 'running', startedAt: seen.startedAt, endsAt: seen.endsAt }
        case 'stopped':
          return { state: 'stopped', startedAt: seen.startedAt, stoppedAt: seen.stoppedAt }
        case 'settled':
          return {
            state: 'settled',
            startedAt: seen.startedAt,
            stoppedAt: seen.stoppedAt,
            final: await isFinal(seen.deposit),
          }
        default:
          return seen.state satisfies never
      }
    } catch (error) {
      log.debug({ event: 'lease.chain-silent', lease, error: shortMessage(error) })
      return { state: 'unknown' }
    }
  }

  async function isConfirmed(deposit: bigint): Promise<boolean> {
    const blocks = context.confirmations(deposit)
    if (blocks === 0) return true
    const head = await chain.head()
    clock.observe(head.timestamp)
    if (head.number < BigInt(blocks)) return false
    return (await chain.lease(lease, head.number - BigInt(blocks))) !== null
  }

  async function isFinal(deposit: bigint): Promise<boolean> {
    const blocks = context.confirmations(deposit)
    if (blocks === 0) return true
    const head = await chain.head()
    settledAtBlock ??= head.number
    if (head.number < settledAtBlock + BigInt(blocks)) return false
    return (await chain.lease(lease, head.number - BigInt(blocks)))?.state === 'settled'
  }

  function hold(found: RunningJob): void {
    job = found
    stopping = false
    deadline = null
    void found.done.then(noteEnd, (error: unknown) => {
      if (closing.signal.aborted) return
      // Its folder cannot be read or written now. Attaching again says whether it is gone.
      log.error({ event: 'job.unreadable', lease, error: shortMessage(error) })
      job = null
      woken.wake()
    })
  }

  /** Notes how the job ended, however long the disk refuses. */
  async function noteEnd(result: RunnerResult): Promise<void> {
    const { outcome, reason, exitCode } = result
    log.info({ event: 'job.ended', lease, outcome, reason, exitCode })
    for (let attempt = 0; !closing.signal.aborted; attempt++) {
      try {
        await note({ type: 'run.ended', lease, result })
        woken.wake()
        return
      } catch (error) {
        log.error({ event: 'journal.failed', lease, error: shortMessage(error) })
        await new Promise((resolve) => setTimeout(resolve, backoff(attempt, Math.random(), { most: 5000 })))
      }
    }
  }

  async function execute(step: Exclude<Step, { do: 'wait' }>, current: LeaseRecord): Promise<void> {
    switch (step.do) {
      case 'attach': {
        const found = await runner.attach(lease)
        if (found !== null) return hold(found)
        await note(
          current.run.state === 'launching'
            ? { type: 'run.absent', lease }
            : {
                type: 'run.lost',
                lease,
                message: 'the files of the job are gone',
                at: Math.floor(clock.now()),
              },
        )
        return
      }
      case 'send-start': {
        if (!current.startSent) await note({ type: 'start.sent', lease })
        const signature = await device.signTypedData(startTypedData(chain, lease))
        const receipt = await sender.send(chain.calls.startFor(lease, signature))
        startMinedAt = Date.now()
        log.info({ event: 'lease.start-mined', lease, block: receipt.blockNumber })
        return
      }
      case 'note-started':
        // Mined moments ago on the way here, or read after a restart: only the first tells the chain's clock.
        clock.observe(step.startedAt, current.started === null && Date.now() - startMinedAt < FRESH)
        await note({ type: 'lease.started', lease, startedAt: step.startedAt, endsAt: step.endsAt })
        log.info({ event: 'lease.started', lease, startedAt: step.startedAt, endsAt: step.endsAt })
        return
      case 'launch':
        return launch(current, step.deadline)
      case 'move-deadline': {
        const startedAt = current.started?.startedAt ?? clock.now()
        await job?.setDeadline(supervisorDeadline(step.deadline, current.job?.job, startedAt))
        deadline = step.deadline
        return
      }
      case 'stop-job':
        stopping = true
        log.info({ event: 'job.stopping', lease, reason: step.reason })
        try {
          await job?.stop(step.reason)
        } catch (error) {
          stopping = false
          throw error
        }
        return
      case 'send-stop':
        if (!current.stopSent) await note({ type: 'stop.sent', lease })
        await sender.send(chain.calls.stop(lease))
        return
      case 'note-over':
        await note({ type: 'lease.over', lease, how: step.how, stoppedAt: step.stoppedAt })
        log.info({ event: 'lease.over', lease, how: step.how })
        return
      case 'note-returned': {
        // Its slot was free meanwhile. Refused before it is taken back, so that it never counts as the slot's first.
        const taken = Object.values(journal.state.leases).some(
          (other) => other.lease !== lease && other.slot === current.slot && occupies(other),
        )
        if (taken && current.refused === null) {
          const { code, message } = new SlotTakenError({ lease, slot: current.slot })
          await note({ type: 'job.refused', lease, code, message })
        }
        await note({ type: 'lease.returned', lease })
        log.warn({ event: 'lease.returned', lease, taken })
        return
      }
      case 'send-settle':
        await note({ type: 'settle.sent', lease })
        await sender.send(chain.calls.settle(lease))
        return
      case 'note-settled':
        await note({ type: 'lease.settled', lease, at: Math.floor(clock.now()) })
        log.info({ event: 'lease.settled', lease })
        return
      case 'sign-receipt': {
        const { receipt, signature } = await makeReceipt(current, step, {
          device,
          asset: context.asset,
          chainId: chain.chainId,
          market: chain.contracts.market,
        })
        await note({ type: 'receipt.signed', lease, receipt: receipt satisfies ReceiptJson, signature })
        return
      }
      case 'forget':
        await runner.remove(lease)
        await context.deleteFiles(lease)
        await note({ type: 'lease.forgotten', lease })
        log.info({ event: 'lease.forgotten', lease })
        return
      default:
        step satisfies never
    }
  }

  async function launch(current: LeaseRecord, endsAt: number): Promise<void> {
    const bundle = await context.bundlePath(current)
    if (current.job === null) return
    if (current.job.bundle !== null && bundle === null) {
      await note({
        type: 'job.refused',
        lease,
        code: 'BUNDLE_MISSING',
        message: 'The bundle was deleted from the disk.',
      })
      return
    }
    const startedAt = current.started?.startedAt ?? clock.now()
    if (current.run.state === 'none') await note({ type: 'run.launching', lease })
    let started: RunningJob
    try {
      started = await runner.start(
        runnerTask(current, {
          bundle,
          deadline: supervisorDeadline(endsAt, current.job.job, startedAt),
          caps: context.caps,
        }),
      )
    } catch (error) {
      launchFailures++
      // A machine that cannot run jobs must not be paid for trying.
      const hopeless = launchFailures >= LAUNCH_ATTEMPTS || (error instanceof RunnerError && !error.retryable)
      if (!hopeless) throw error
      const code = error instanceof RunnerError ? error.code : 'JOB_START_FAILED'
      // The runner has run nothing and left nothing.
      await note({ type: 'run.absent', lease })
      await note({ type: 'job.refused', lease, code, message: shortMessage(error) })
      log.warn({ event: 'job.refused', lease, code, error: shortMessage(error) })
      return
    }
    // Held before it is noted: who waits for the log is woken by the note and looks for the job.
    hold(started)
    deadline = endsAt
    log.info({ event: 'job.launched', lease })
    await note({ type: 'run.launched', lease })
  }

  async function run(): Promise<void> {
    let failures = 0
    while (!closing.signal.aborted) {
      const current = record()
      if (current === undefined) return
      woken.clear()
      try {
        const facts = {
          chain: await look(current),
          now: clock.now(),
          ready: context.ready(),
          attached: job !== null,
          stopping,
          deadline,
        }
        // The record may have moved on while the chain answered.
        const latest = record()
        if (latest === undefined) return
        const step = planLease(latest, facts, policy)
        if (step.do !== 'wait') {
          log.debug({ event: 'lease.step', lease, step: step.do })
          await execute(step, latest)
          failures = 0
          continue
        }
        const vanished = latest.over?.how === 'vanished'
        const longest =
          latest.settled !== null ? 3600 : vanished ? Math.max(VANISHED_POLL, context.poll) : context.poll
        const wait =
          step.until === undefined ? longest : Math.min(longest, Math.max(0.02, step.until - clock.now()))
        await woken.next(wait * 1000)
      } catch (error) {
        if (closing.signal.aborted) return
        log.warn({ event: 'lease.step-failed', lease, error: shortMessage(error) })
        await woken.next(backoff(failures++, Math.random(), { least: 200, most: 10_000 }))
      }
    }
  }

  const ended = run()

  return {
    lease,
    get record() {
      return record()
    },
    get job() {
      return job
    },
    async findJob() {
      return job ?? (record()?.run.state === 'ended' ? runner.attach(lease) : null)
    },
    wake: () => woken.wake(),
    changed: noted.next,
    async status() {
      const current = record()
      const live: RunnerStatus | null = (await job?.status().catch(() => null)) ?? null
      return jobStatus(current, live)
    },
    async result() {
      const current = record()
      if (current?.run.state === 'ended') return current.run.result
      // The job's end is known to its supervisor a moment before it is noted here.
      const live = (await job?.status().catch(() => null)) ?? null
      return live?.state === 'ended' ? live.result : null
    },
    async deleteFiles() {
      const state = record()?.run.state
      if (state === 'launching' || state === 'launched') return
      job = null
      await runner.remove(lease)
    },
    async stopJob(reason) {
      if (job === null) return
      stopping = true
      await job.stop(reason)
      woken.wake()
    },
    ended,
    async close() {
      closing.abort()
      woken.wake()
      noted.fire()
      await ended
    },
  }
}

/** The first line: viem's messages go on with the request's body. */
function shortMessage(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split('\n')[0] ?? ''
}
