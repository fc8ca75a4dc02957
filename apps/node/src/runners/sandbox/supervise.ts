import { rmSync, statfsSync } from 'node:fs'
import { join } from 'node:path'
import { RunnerError } from '../errors.ts'
import type { CollectedOutputs, EndReason, RunnerResult } from '../runner.ts'
import { extractBundle } from './bundle/extractBundle.ts'
import { type JobCgroup, jobCgroup } from './cgroup/jobCgroup.ts'
import {
  type JobPaths,
  type JobState,
  readControl,
  type StoredFailure,
  type StoredResult,
  writeJson,
} from './job/jobFolder.ts'
import type { JobPlan } from './job/jobPlan.ts'
import { processIdentity } from './job/processIdentity.ts'
import { NETWORK_PROCESSES, SANDBOX_PROCESSES } from './launch/bwrapArguments.ts'
import { launchSandbox, type Sandbox } from './launch/launchSandbox.ts'
import { endedChildrenCpuSeconds, sandboxUsage } from './launch/sandboxUsage.ts'
import { buildStaging, type Staging, unmountDisk, writeScript } from './launch/staging.ts'
import { openLogWriter } from './log/logWriter.ts'
import { collectOutputs } from './outputs/collectOutputs.ts'

/** How often limits and the node's wishes are looked at. A wish also comes with a signal and is then seen at once. */
const WATCH_MS = 200

/** Bytes of the host's disk that no job may take: the other jobs' logs and results need them. */
const HOST_DISK_RESERVE = 64 * 1024 * 1024

interface Ending {
  readonly reason: EndReason
  readonly message: string
}

/**
 * Run one job from its plan to its stored result. This process owns the job: it alone starts it, holds its limits and its
 * deadline, collects its outputs and kills all of it at the end. Resolves when everything but the files is cleaned up.
 */
export async function supervise(plan: JobPlan, paths: JobPaths): Promise<void> {
  const { task } = plan
  const cgroup = jobCgroup(plan.cgroup)
  const log = openLogWriter({ log: paths.log, index: paths.logIndex, limit: task.limits.logBytes })
  let state: JobState = { state: 'starting', startedAt: null, deadline: task.deadline, sandbox: null }
  let ending: Ending | null = null
  let sandbox: Sandbox | null = null
  let peakMemory = 0
  let processRefusalsTold = false

  const tell = (change: Partial<JobState>) => {
    state = { ...state, ...change }
    writeJson(paths.state, state)
  }
  const end = (reason: EndReason, message: string) => {
    if (ending !== null) return
    ending = { reason, message }
    if (sandbox !== null) void killSandbox(sandbox, cgroup)
  }
  const look = () => {
    const control = readControl(paths)
    if (control !== null) {
      if (control.deadline !== state.deadline) tell({ deadline: control.deadline })
      if (control.stop !== null) end('stopped', control.stop)
    }
    if (Date.now() >= state.deadline * 1000) end('deadline', 'The deadline was reached.')
    const events = cgroup.events()
    if (events.memoryKills > 0)
      end('memory', `The job needed more than its ${task.limits.memoryBytes} bytes of memory.`)
    if (events.processRefusals > 0 && !processRefusalsTold) {
      processRefusalsTold = true
      log.note(`a new process was refused: the job may have ${task.limits.processes} at a time`)
    }
    const host = statfsSync(paths.folder)
    if (host.bavail * host.bsize < HOST_DISK_RESERVE)
      end('error', "The machine's own disk is full; the job was ended before it could harm others.")
    if (plan.cgroup.version === 'none' && sandbox !== null) {
      const usage = sandboxUsage(sandbox.pid)
      peakMemory = Math.max(peakMemory, usage.memoryBytes)
      if (usage.memoryBytes > task.limits.memoryBytes && !plan.without.includes('memory-limit'))
        end('memory', `The job needed more than its ${task.limits.memoryBytes} bytes of memory.`)
    }
  }

  // In a timer or a signal's handler: an error that nobody catches would end this process and leave the job alone.
  const watch = () => {
    try {
      look()
    } catch (error) {
      end('error', `The job could not be watched any more: ${messageOf(error)}`)
    }
  }

  let failure: StoredFailure | null = null
  let exitCode: number | null = null
  let staging: Staging | null = null
  let outputs: CollectedOutputs | null = null
  tell({})
  const timer = setInterval(watch, WATCH_MS)
  // Ignored by default, so that one sent too early or too late harms nobody.
  process.on('SIGWINCH', watch)
  let deadlineTimer = setTimeout(() => {}, 0)
  const armDeadline = () => {
    clearTimeout(deadlineTimer)
    const wait = Math.min(60_000, Math.max(0, state.deadline * 1000 - Date.now()))
    deadlineTimer = setTimeout(() => {
      watch()
      if (ending === null) armDeadline()
    }, wait)
  }
  armDeadline()

  try {
    cgroup.create({
      cpus: task.limits.cpus,
      memoryBytes: plan.without.includes('memory-limit') ? null : task.limits.memoryBytes,
      processes: plan.without.includes('process-limit')
        ? null
        : task.limits.processes +
          SANDBOX_PROCESSES +
          (task.limits.network === 'public' ? NETWORK_PROCESSES : 0),
    })
    staging = buildStaging(plan, paths)
    if (task.bundle !== null)
      await extractBundle({
        bundle: task.bundle,
        into: join(staging.disk, 'job'),
        maxBytes: task.limits.diskBytes,
        maxEntries: task.limits.inodes,
        owner: plan.uid,
      })
    const scripts = [
      ...(task.setup === undefined ? [] : [{ state: 'setup' as const, text: task.setup }]),
      { state: 'running' as const, text: task.run },
    ]
    for (const script of scripts) {
      watch()
      armDeadline()
      if (ending !== null) break
      writeScript(staging, script.state, script.text)
      const running = launchSandbox({
        plan,
        staging,
        cgroup,
        script: script.state,
        onOutput: (stream, bytes) => {
          try {
            if (!log.append(stream, bytes))
              end('log', `The job wrote more than its ${task.limits.logBytes} bytes of log.`)
          } catch (error) {
            end('error', `The log could not be written: ${messageOf(error)}`)
          }
        },
      })
      sandbox = running
      tell({
        state: script.state,
        startedAt: state.startedAt ?? Date.now() / 1000,
        sandbox: processIdentity(running.pid),
      })
      exitCode = await running.ended
      sandbox = null
      await cgroup.kill()
      watch()
      if (exitCode === null) end('error', 'The sandbox ended without running the script; the log says why.')
      if (exitCode !== 0) break
    }
  } catch (error) {
    failure = failureOf(error)
    end('error', failure.message)
  }
  clearInterval(timer)
  clearTimeout(deadlineTimer)
  await cgroup.kill()

  const endedAt = Date.now() / 1000
  const killed = ending as Ending | null
  if (killed !== null) log.note(`the job was ended: ${killed.message}`)
  let cause: Ending | null = null
  if (staging !== null && state.startedAt !== null) {
    if (killed === null && exitCode !== 0) cause = exhausted(plan, staging, cgroup)
    tell({ state: 'collecting', sandbox: null })
    try {
      const collection = await collectOutputs({
        from: join(staging.disk, 'job'),
        patterns: task.outputs,
        archive: paths.outputs,
        maxBytes: task.limits.outputBytes,
      })
      outputs = collection.outputs
      for (const line of collection.skipped) log.note(line)
      if (collection.stopped !== null) cause ??= { reason: 'outputs', message: collection.stopped }
      if (collection.truncated)
        cause ??= { reason: 'outputs', message: `The outputs exceed their ${task.limits.outputBytes} bytes.` }
    } catch (error) {
      log.note(`the outputs could not be stored: ${messageOf(error)}`)
      cause ??= { reason: 'outputs', message: `The outputs could not be stored: ${messageOf(error)}` }
    }
  }
  const usage = cgroup.usage()
  const result: StoredResult = {
    ...(killed === null
      ? {
          outcome: 'exited',
          exitCode,
          signal: null,
          reason: cause?.reason ?? 'exit',
          message: cause?.message ?? null,
        }
      : {
          outcome: 'killed',
          exitCode: null,
          signal: state.startedAt === null ? null : 'SIGKILL',
          reason: killed.reason,
          message: killed.message,
        }),
    startedAt: state.startedAt ?? endedAt,
    endedAt,
    usage: {
      cpuSeconds: plan.cgroup.version === 'none' ? endedChildrenCpuSeconds() : usage.cpuSeconds,
      maxMemoryBytes: Math.max(peakMemory, usage.maxMemoryBytes),
    },
    outputs,
    log: log.close(),
    failure,
  }
  writeJson(paths.result, result satisfies RunnerResult)

  try {
    if (staging !== null) unmountDisk(staging)
  } finally {
    // Even if the disk is busy: it goes with this process's mount namespace.
    rmSync(paths.image, { force: true })
    await cgroup.remove()
  }
}

/** Kill the sandbox's first process, and with it, by the kernel's hand, everything in its process namespace. */
async function killSandbox(sandbox: Sandbox, cgroup: JobCgroup): Promise<void> {
  // The outer process first: it may not have set the sandbox up yet, and then there is no first process to wait for.
  kill(sandbox.pid)
  await cgroup.kill()
  const first = await sandbox.firstPid
  if (first !== null) kill(first)
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // Gone already.
  }
}

/** A script that failed by itself: did it run into a limit that only refuses, and does not kill? */
function exhausted(plan: JobPlan, staging: Staging, cgroup: JobCgroup): Ending | null {
  const disk = statfsSync(staging.disk)
  if (disk.bavail < Math.max(FULL_DISK_BYTES / disk.bsize, disk.blocks / 50))
    return { reason: 'disk', message: `The job filled its ${plan.task.limits.diskBytes} bytes of disk.` }
  if (disk.ffree === 0)
    return { reason: 'disk', message: `The job made more than its ${plan.task.limits.inodes} files.` }
  if (cgroup.events().processRefusals > 0)
    return {
      reason: 'processes',
      message: `The job needed more than its ${plan.task.limits.processes} processes.`,
    }
  return null
}

/** Less than this, or than a fiftieth of the disk, is full: ext4 keeps a little for itself. */
const FULL_DISK_BYTES = 64 * 1024

function failureOf(error: unknown): StoredFailure {
  return error instanceof RunnerError
    ? { code: error.code, message: error.message, remedy: error.remedy ?? null }
    : { code: 'JOB_START_FAILED', message: messageOf(error), remedy: null }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message.trim() : String(error)
}
