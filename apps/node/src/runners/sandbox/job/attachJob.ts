import { existsSync, rmSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ReadLogOptions, RunnerResult, RunnerStatus, RunningJob } from '../../runner.ts'
import { jobCgroup } from '../cgroup/jobCgroup.ts'
import { readStoredLog } from '../log/readStoredLog.ts'
import { abandonedResult } from './abandonedResult.ts'
import {
  type JobPaths,
  readClaim,
  readControl,
  readPlan,
  readResult,
  readState,
  type StoredResult,
  writeJson,
} from './jobFolder.ts'
import { isAlive, killProcess } from './processIdentity.ts'

const POLL_MS = 25
const LONGEST_POLL_MS = 200

/** A handle on a job's folder; `null` if the job was never started. Cleans up after a supervisor that was killed. */
export async function attachJob(paths: JobPaths): Promise<RunningJob | null> {
  const plan = readPlan(paths)
  if (plan === null || readClaim(paths) === null) return null
  const ended = () => settled(paths)
  await ended()
  let done: Promise<RunnerResult> | undefined

  const status = async (): Promise<RunnerStatus> => {
    const result = await ended()
    const state = readState(paths)
    const deadline = readControl(paths)?.deadline ?? state?.deadline ?? plan.task.deadline
    if (result !== null) return { state: 'ended', result, startedAt: result.startedAt, deadline }
    if (state === null || state.state === 'starting' || state.startedAt === null)
      return { state: 'starting', deadline }
    return { state: state.state, startedAt: state.startedAt, deadline }
  }

  const waitForEnd = async (): Promise<RunnerResult> => {
    for (let wait = POLL_MS; ; wait = Math.min(LONGEST_POLL_MS, wait * 1.2)) {
      const result = await ended()
      if (result !== null) return result
      await sleep(wait)
    }
  }

  const ask = (change: { deadline?: number; stop?: string }) => {
    const before = readControl(paths) ?? { deadline: plan.task.deadline, stop: null }
    writeJson(paths.control, { ...before, ...change })
    const claim = readClaim(paths)
    const pid = Number(claim?.supervisor.split(':')[1])
    if (claim === null || !isAlive(claim.supervisor)) return
    try {
      process.kill(pid, 'SIGWINCH')
    } catch {
      // It ended; or it reads the file at its next look.
    }
  }

  return {
    id: plan.task.id,
    status,
    async *readLog(options: ReadLogOptions) {
      yield* readStoredLog({
        log: paths.log,
        index: paths.logIndex,
        // A job whose files were deleted meanwhile writes nothing more either.
        ended: () => readResult(paths) !== null || !existsSync(paths.plan),
        from: options.from,
        follow: options.follow,
        signal: options.signal,
      })
    },
    async stop(reason) {
      if ((await ended()) !== null) return
      ask({ stop: reason })
      await waitForEnd()
    },
    async setDeadline(unixSeconds) {
      if ((await ended()) === null) ask({ deadline: unixSeconds })
    },
    get done() {
      done ??= waitForEnd()
      return done
    },
  }
}

/** The job's result; `null` while its supervisor runs. If that was killed, ends what is left and writes the result itself. */
async function settled(paths: JobPaths): Promise<RunnerResult | null> {
  const before = readResult(paths)
  if (before !== null) return withoutFailure(before)
  const claim = readClaim(paths)
  if (claim !== null && isAlive(claim.supervisor)) return null
  // It may have ended properly between the two looks.
  const after = readResult(paths)
  if (after !== null) return withoutFailure(after)
  await killRemains(paths)
  const result = abandonedResult(paths, "The job's supervisor was killed, and the job with it.")
  writeJson(paths.result, result)
  return withoutFailure(result)
}

/** Kill whatever of a job is left without waiting for its supervisor's consent, and clean up everything but its folder. */
export async function reapJob(paths: JobPaths): Promise<void> {
  const claim = readClaim(paths)
  if (claim !== null) {
    // A job that has ended is cleaned up by its supervisor; it gets a moment for that.
    if (readResult(paths) !== null)
      for (let attempt = 0; attempt < 100 && isAlive(claim.supervisor); attempt++) await sleep(20)
    killProcess(claim.supervisor)
    while (isAlive(claim.supervisor)) await sleep(5)
  }
  await killRemains(paths)
}

async function killRemains(paths: JobPaths): Promise<void> {
  const plan = readPlan(paths)
  const sandbox = readState(paths)?.sandbox
  if (sandbox !== null && sandbox !== undefined) killProcess(sandbox)
  if (plan !== null) {
    const group = jobCgroup(plan.cgroup)
    await group.kill()
    await group.remove()
  }
  // Mounts went with the supervisor's namespace; the image has no use any more.
  rmSync(paths.image, { force: true })
}

function withoutFailure(stored: StoredResult): RunnerResult {
  const { failure: _, ...result } = stored
  return result
}
