import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, realpathSync } from 'node:fs'
import { lstat, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { NetworkUnavailableError, RunnerUnavailableError, TaskInvalidError } from '../errors.ts'
import type { Runner, RunnerProbe, RunnerTask, RunningJob } from '../runner.ts'
import { listJobGroups, placeJob } from './cgroup/findCgroupParent.ts'
import { jobCgroup } from './cgroup/jobCgroup.ts'
import { gpuDevices } from './gpuDevices.ts'
import { attachJob, reapJob } from './job/attachJob.ts'
import { checkId, checkTask } from './job/checkTask.ts'
import { jobPaths, readClaim, readPlan, readResult, removeJobFolder, writeJson } from './job/jobFolder.ts'
import type { JobPlan, SandboxLayer } from './job/jobPlan.ts'
import { type MachineFacts, probeMachine } from './probeMachine.ts'
import { type SupervisorEntry, startSupervisor, supervisorEntry } from './startSupervisor.ts'

export interface SandboxRunnerOptions {
  /** Folder for the jobs' files; made if it is not there. Belongs to this runner alone. */
  readonly directory: string
  /** How to start a supervisor. Default: the file beside this one, as source or as built. */
  readonly supervisor?: SupervisorEntry
  /** Use less than the machine has, to test the fallbacks. */
  readonly restrict?: SandboxRestrictions
  /** Leave layers out, to show in a test that an attack works without them. Never set by the node. */
  readonly without?: readonly SandboxLayer[]
}

export interface SandboxRestrictions {
  readonly cgroup?: 'none'
  readonly diskQuota?: 'tmpfs'
}

/**
 * The runner that keeps a job on this machine inside bubblewrap.
 *
 * Every job has a folder in `directory` and a supervisor process of its own, which survives this process. The files in the
 * folder are the truth; this object holds nothing that a restart would lose.
 */
export function createSandboxRunner(options: SandboxRunnerOptions): Runner {
  mkdirSync(options.directory, { recursive: true, mode: 0o700 })
  const directory = realpathSync(options.directory)
  const groupPrefix = `${shortHash(directory)}-`
  const entry = options.supervisor ?? supervisorEntry()
  let machine: Promise<MachineFacts> | undefined
  const facts = () => {
    machine ??= probeMachine(options.restrict ?? {})
    return machine
  }
  const starting = new Map<string, Promise<RunningJob>>()
  const pathsOf = (id: string) => jobPaths(join(directory, id))

  const plan = async (task: RunnerTask): Promise<JobPlan> => {
    const found = await facts()
    if (!found.available) throw new RunnerUnavailableError(found)
    if (task.limits.network === 'public' && found.tools.slirp4netns === null)
      throw new NetworkUnavailableError(found.networkMissing)
    return {
      task,
      cgroup: placeJob(found.cgroupParent, `${groupPrefix}${shortHash(task.id)}`),
      uid: found.features.identity === 'dedicated-uid' ? jobUid(directory, task.id) : null,
      disk: found.features.diskQuota,
      tools: found.tools,
      gpuDevices: gpuDevices(task.gpus),
      without: options.without ?? [],
    }
  }

  const startOnce = async (task: RunnerTask): Promise<RunningJob> => {
    checkTask(task)
    const paths = pathsOf(task.id)
    const known = await attachJob(paths)
    if (known !== null) return known
    const made = await plan(task)
    mkdirSync(paths.folder, { recursive: true, mode: 0o700 })
    writeJson(paths.plan, made)
    await startSupervisor(entry, made, paths)
    const job = await attachJob(paths)
    if (job === null)
      throw new TaskInvalidError({
        field: 'id',
        seen: task.id,
        allowed: 'a job nobody removes while it starts',
      })
    return job
  }

  const discard = async (id: string): Promise<void> => {
    const paths = pathsOf(id)
    await reapJob(paths)
    await removeJobFolder(paths)
  }

  return {
    kind: 'sandbox',

    async probe(): Promise<RunnerProbe> {
      machine = undefined
      const found = await facts()
      return found.available
        ? { available: true, features: found.features }
        : { available: false, reason: found.reason, remedy: found.remedy }
    },

    start(task) {
      // Two calls at once are one start.
      const running = starting.get(task.id) ?? startOnce(task).finally(() => starting.delete(task.id))
      starting.set(task.id, running)
      return running
    },

    async attach(id) {
      checkId(id)
      return attachJob(pathsOf(id))
    },

    async sweep(keep) {
      const ids = readdirSync(directory).filter((id) => !keep.has(id))
      await Promise.all(ids.map(discard))
      const found = await facts()
      if (!found.available) return
      // Groups whose job has no folder any more: it was deleted by hand.
      const kept = new Set([...readdirSync(directory)].map((id) => `${groupPrefix}${shortHash(id)}`))
      for (const name of listJobGroups(found.cgroupParent, groupPrefix)) {
        if (kept.has(name)) continue
        const group = jobCgroup(placeJob(found.cgroupParent, name))
        await group.kill()
        await group.remove()
      }
    },

    async size(id) {
      checkId(id)
      return diskUse(pathsOf(id).folder)
    },

    async remove(id) {
      checkId(id)
      const paths = pathsOf(id)
      if (readPlan(paths) !== null && readClaim(paths) !== null && readResult(paths) === null) {
        const job = await attachJob(paths)
        await job?.stop('The job was removed.')
      }
      await discard(id)
    },
  }
}

/**
 * A uid for one job, from the range that systemd's registry of ids leaves to nobody (0x70000000 to 0x7fffffff,
 * https://systemd.io/UIDS-GIDS), far from users, services and containers' ranges. Drawn from the job's folder:
 * two jobs of one machine share a uid with a chance of one in 2^28, and namespaces keep even those apart.
 */
function jobUid(directory: string, id: string): number {
  const hash = createHash('sha256').update(`${directory}\0${id}`).digest()
  return 0x70000000 + (hash.readUInt32BE(0) & 0x0fffffff)
}

/** Bytes that the files of a job's folder, which has no folders in it, take; 0 where it is gone. */
async function diskUse(folder: string): Promise<number> {
  let bytes = 0
  try {
    // In blocks, for a disk image takes less than its size.
    for (const name of await readdir(folder)) bytes += (await lstat(join(folder, name))).blocks * 512
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
  return bytes
}

function shortHash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16)
}
