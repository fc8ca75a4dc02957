import type { LeaseRecord, OverHow } from '../journal/entries.ts'

/** A lease as the chain shows it. `unknown`: the chain does not answer now. */
export type ChainLease =
  | { readonly state: 'unknown' }
  /** No such lease: not mined yet, or dropped by a reorganisation `missingFor` seconds ago. */
  | { readonly state: 'none'; readonly missingFor: number }
  | { readonly state: 'open'; readonly startBy: number; readonly confirmed: boolean }
  | { readonly state: 'running'; readonly startedAt: number; readonly endsAt: number }
  | { readonly state: 'stopped'; readonly startedAt: number; readonly stoppedAt: number }
  | {
      readonly state: 'settled'
      readonly startedAt: number
      readonly stoppedAt: number
      readonly final: boolean
    }

export interface LeaseFacts {
  readonly chain: ChainLease
  /** The chain's time, Unix seconds. */
  readonly now: number
  /** Whether the runner can take a job now. */
  readonly ready: boolean
  /** Whether this process holds the job, so that it can be stopped and its end will be seen. */
  readonly attached: boolean
  /** Whether a stop of the job is under way. */
  readonly stopping: boolean
  /** The deadline that the job's supervisor has, if it has one. */
  readonly deadline: number | null
}

export interface LeasePolicy {
  /** Seconds that an ended job's lease is kept for the buyer to stop. */
  readonly stopGrace: number
  /** Seconds that files are kept after the end. */
  readonly retention: number
  /** Seconds after which a lease missing on the chain is taken for dropped. */
  readonly missingGrace: number
}

/** What the node does next for one lease. Each is done once, then the plan is made anew. */
export type Step =
  /** Nothing now. `until`: look again at that time, Unix seconds. */
  | { readonly do: 'wait'; readonly until?: number }
  | { readonly do: 'attach' }
  | { readonly do: 'send-start' }
  | { readonly do: 'note-started'; readonly startedAt: number; readonly endsAt: number }
  | { readonly do: 'launch'; readonly deadline: number }
  | { readonly do: 'move-deadline'; readonly deadline: number }
  | { readonly do: 'stop-job'; readonly reason: string }
  | { readonly do: 'send-stop' }
  | { readonly do: 'note-over'; readonly how: OverHow; readonly stoppedAt: number }
  | { readonly do: 'note-returned' }
  | { readonly do: 'send-settle' }
  | { readonly do: 'note-settled' }
  | { readonly do: 'sign-receipt'; readonly startedAt: number; readonly stoppedAt: number }
  | { readonly do: 'forget' }

/** Seconds before the end of the window in which a start must be mined. */
const START_MARGIN = 20

const wait = (until?: number): Step => (until === undefined ? { do: 'wait' } : { do: 'wait', until })

/**
 * Decides the next step of a lease from what was noted and what is seen. Pure, and safe to ask at any time, any number
 * of times, after any crash: whatever was done is in the record, on the chain or known to the runner.
 */
export function planLease(record: LeaseRecord, facts: LeaseFacts, policy: LeasePolicy): Step {
  const { chain, now } = facts
  const alive = record.run.state === 'launching' || record.run.state === 'launched'
  // First of all find out what became of a job that was begun before a restart.
  if (alive && !facts.attached) {
    if (record.run.state === 'launched') return { do: 'attach' }
    if (chain.state !== 'running' || now >= chain.endsAt) return { do: 'attach' }
  }
  const stopJob = (reason: string): Step | null =>
    alive && facts.attached && !facts.stopping ? { do: 'stop-job', reason } : null

  if (record.over?.how === 'vanished' && chain.state !== 'unknown' && chain.state !== 'none') {
    return { do: 'note-returned' }
  }

  switch (chain.state) {
    case 'unknown':
      return wait()

    case 'none': {
      if (chain.missingFor < policy.missingGrace) return wait(now + policy.missingGrace - chain.missingFor)
      const stop = stopJob('the lease is not on the chain any more')
      if (stop !== null) return stop
      if (alive) return wait()
      if (record.over === null) return { do: 'note-over', how: 'vanished', stoppedAt: Math.floor(now) }
      return afterEnd(record, facts, policy)
    }

    case 'open': {
      if (now > chain.startBy) {
        const stop = stopJob('the lease was not started in time')
        if (stop !== null) return stop
        if (alive) return wait()
        if (record.over === null) return { do: 'note-over', how: 'never-started', stoppedAt: chain.startBy }
        // The buyer's own `stop` brings the deposit back; if none comes, the node settles, so that nothing stays locked.
        const patience = chain.startBy + policy.stopGrace
        return now >= patience ? { do: 'send-settle' } : wait(patience)
      }
      if (record.refused !== null) return wait(chain.startBy + 1)
      if (record.job === null) {
        if (BigInt(record.bond) === 0n) return wait(chain.startBy + 1)
        // A lease that is not started forfeits the bond: a buyer who sends no job has still hired the machine.
        const last = chain.startBy - START_MARGIN
        if (now < last) return wait(last)
      }
      if (!chain.confirmed || !facts.ready) return wait()
      return { do: 'send-start' }
    }

    case 'running': {
      const { startedAt, endsAt } = chain
      if (now >= endsAt) {
        const stop = stopJob('the lease is over')
        if (stop !== null) return stop
        if (record.over?.stoppedAt !== endsAt) return { do: 'note-over', how: 'expired', stoppedAt: endsAt }
        if (!alive && needsReceipt(record, startedAt, endsAt))
          return { do: 'sign-receipt', startedAt, stoppedAt: endsAt }
        return { do: 'send-settle' }
      }
      if (record.started?.startedAt !== startedAt || record.started.endsAt !== endsAt) {
        return { do: 'note-started', startedAt, endsAt }
      }
      if (record.run.state === 'none' || (record.run.state === 'launching' && !facts.attached)) {
        if (record.job !== null && record.refused === null) return { do: 'launch', deadline: endsAt }
        // Started, but the runner would not have the job: nothing to sell here.
        return BigInt(record.bond) > 0n ? wait(endsAt) : { do: 'send-stop' }
      }
      if (alive) {
        if (facts.stopping || facts.deadline === endsAt) return wait(endsAt)
        return { do: 'move-deadline', deadline: endsAt }
      }
      const endedAt = record.run.state === 'ended' ? record.run.result.endedAt : runLostAt(record)
      // Money for an idle machine is not earned. A stop with a bond would forfeit it, so the lease then runs out.
      if (BigInt(record.bond) > 0n) return wait(endsAt)
      const patience = endedAt + policy.stopGrace
      return now >= patience ? { do: 'send-stop' } : wait(Math.min(patience, endsAt))
    }

    case 'stopped': {
      const { startedAt, stoppedAt } = chain
      const stop = stopJob('the buyer stopped the lease')
      if (stop !== null) return stop
      if (record.over?.stoppedAt !== stoppedAt) {
        return { do: 'note-over', how: 'stopped', stoppedAt }
      }
      if (!alive && needsReceipt(record, startedAt, stoppedAt))
        return { do: 'sign-receipt', startedAt, stoppedAt }
      // While outputs are still being collected the money need not wait.
      return { do: 'send-settle' }
    }

    case 'settled': {
      const { startedAt, stoppedAt } = chain
      const stop = stopJob('the lease is settled')
      if (stop !== null) return stop
      if (record.over?.stoppedAt !== stoppedAt) {
        return { do: 'note-over', how: record.over?.how ?? 'stopped', stoppedAt }
      }
      if (alive) return wait()
      if (needsReceipt(record, startedAt, stoppedAt)) return { do: 'sign-receipt', startedAt, stoppedAt }
      if (record.settled === null) return chain.final ? { do: 'note-settled' } : wait()
      return afterEnd(record, facts, policy)
    }

    default:
      return chain satisfies never
  }
}

/** A receipt is due for every lease that ran, signed anew if a reorganisation moved its end. */
function needsReceipt(record: LeaseRecord, startedAt: number, stoppedAt: number): boolean {
  if (record.job === null || startedAt === 0) return false
  return record.receipt?.receipt.stoppedAt !== stoppedAt || record.receipt.receipt.startedAt !== startedAt
}

function afterEnd(record: LeaseRecord, facts: LeaseFacts, policy: LeasePolicy): Step {
  const forgetAt = (record.over?.stoppedAt ?? facts.now) + policy.retention
  return facts.now >= forgetAt ? { do: 'forget' } : wait(forgetAt)
}

function runLostAt(record: LeaseRecord): number {
  return record.run.state === 'lost' ? record.run.at : 0
}
