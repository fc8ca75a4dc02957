import type { JobStatus } from '@millrace/sdk'
import type { LeaseRecord } from '../journal/entries.ts'
import type { RunnerResult, RunnerStatus } from '../runners/runner.ts'

/** What the buyer is told of the job (§6 of the protocol). */
export function jobStatus(record: LeaseRecord | undefined, live: RunnerStatus | null): JobStatus {
  if (record === undefined) return { state: 'none' }
  const endsAt = record.started === null ? {} : { endsAt: record.started.endsAt }
  const over = record.over === null ? {} : { over: record.over.how, stoppedAt: record.over.stoppedAt }
  const common = { ...endsAt, ...over }
  if (record.refused !== null) {
    return { ...common, state: 'failed', reason: record.refused.code, message: record.refused.message }
  }
  switch (record.run.state) {
    case 'ended': {
      const status = endedStatus(record.run.result)
      // At the end of a lease the node and the supervisor end the job in the same second; whoever is first, it expired.
      if (status.state === 'stopped' && record.over?.how === 'expired')
        return { ...common, ...status, state: 'expired' }
      return { ...common, ...status }
    }
    case 'lost':
      return { ...common, state: 'lost', reason: record.run.message, endedAt: record.run.at }
    case 'launching':
    case 'launched':
      if (live === null) return { ...common, state: 'starting' }
      if (live.state === 'ended') return { ...common, ...endedStatus(live.result) }
      return {
        ...common,
        state: live.state,
        ...(live.state === 'starting' ? {} : { startedAt: live.startedAt }),
      }
    case 'none':
      if (record.over !== null)
        return { ...common, state: record.over.how === 'stopped' ? 'stopped' : 'expired' }
      if (record.job === null) return { ...common, state: 'none' }
      return { ...common, state: record.started === null && !record.startSent ? 'accepted' : 'starting' }
    default:
      return record.run satisfies never
  }
}

function endedStatus(result: RunnerResult): JobStatus {
  return {
    state: endState(result),
    exitCode: result.exitCode,
    reason: result.reason,
    ...(result.message === null ? {} : { message: result.message }),
    startedAt: result.startedAt,
    endedAt: result.endedAt,
    usage: { cpuSeconds: result.usage.cpuSeconds, memoryBytes: result.usage.maxMemoryBytes },
  }
}

function endState(result: RunnerResult): JobStatus['state'] {
  if (result.outcome === 'exited') return result.exitCode === 0 ? 'done' : 'failed'
  if (result.reason === 'deadline') return 'expired'
  return result.reason === 'stopped' ? 'stopped' : 'failed'
}
