import { mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { CgroupPlacement } from './cgroupPlacement.ts'

export interface CgroupLimits {
  readonly cpus: number
  /** `null`: unlimited. */
  readonly memoryBytes: number | null
  readonly processes: number | null
}

/** The control group of one job, in whichever hierarchy the machine has. */
export interface JobCgroup {
  /** Make the group with its limits. Throws what the kernel says if it may not. */
  create(limits: CgroupLimits): void
  /** Files into which a process writes `0` to join; everything it starts later is inside too. */
  readonly joinFiles: readonly string[]
  /** Zero where nothing was measured. */
  usage(): { readonly cpuSeconds: number; readonly maxMemoryBytes: number }
  /** How often the kernel killed for memory, and refused a new process. */
  events(): { readonly memoryKills: number; readonly processRefusals: number }
  /** Kill every process inside; resolves when none is left. */
  kill(): Promise<void>
  /** Remove the empty group; a group that is not there is no error. */
  remove(): Promise<void>
}

/** CPU time is shared out in periods of this many microseconds, the kernel's default. */
const CPU_PERIOD = 100_000
const KILL_PATIENCE_MS = 10_000

export function jobCgroup(placement: CgroupPlacement): JobCgroup {
  switch (placement.version) {
    case 'v1':
      return cgroupV1(placement.directories)
    case 'v2':
      return cgroupV2(placement.directory)
    case 'none':
      return noCgroup
    default:
      return placement satisfies never
  }
}

function cgroupV1(directories: Extract<CgroupPlacement, { version: 'v1' }>['directories']): JobCgroup {
  const all = [...new Set(Object.values(directories))]
  return {
    create(limits) {
      for (const directory of all) mkdirSync(directory, { recursive: true, mode: 0o755 })
      write(directories.cpu, 'cpu.cfs_period_us', CPU_PERIOD)
      write(directories.cpu, 'cpu.cfs_quota_us', quota(limits.cpus))
      if (limits.memoryBytes !== null) {
        write(directories.memory, 'memory.limit_in_bytes', limits.memoryBytes)
        // Memory and swap together get the same limit, so there is no swap. Kernels may be built without this file.
        if (!tryWrite(directories.memory, 'memory.memsw.limit_in_bytes', limits.memoryBytes))
          tryWrite(directories.memory, 'memory.swappiness', 0)
      }
      if (limits.processes !== null) write(directories.pids, 'pids.max', limits.processes)
    },
    joinFiles: all.map((directory) => join(directory, 'cgroup.procs')),
    usage: () => ({
      cpuSeconds: (readNumber(directories.cpuacct, 'cpuacct.usage') ?? 0) / 1e9,
      maxMemoryBytes: readNumber(directories.memory, 'memory.max_usage_in_bytes') ?? 0,
    }),
    events: () => ({
      memoryKills: readField(directories.memory, 'memory.oom_control', 'oom_kill'),
      processRefusals: readField(directories.pids, 'pids.events', 'max'),
    }),
    kill: () => killAll(directories.pids),
    remove: () => removeAll(all),
  }
}

function cgroupV2(directory: string): JobCgroup {
  return {
    create(limits) {
      mkdirSync(directory, { recursive: true, mode: 0o755 })
      write(directory, 'cpu.max', `${quota(limits.cpus)} ${CPU_PERIOD}`)
      if (limits.memoryBytes !== null) {
        write(directory, 'memory.max', limits.memoryBytes)
        tryWrite(directory, 'memory.swap.max', 0)
        // A job that lost one process to the limit is broken: end it as a whole.
        tryWrite(directory, 'memory.oom.group', 1)
      }
      if (limits.processes !== null) write(directory, 'pids.max', limits.processes)
    },
    joinFiles: [join(directory, 'cgroup.procs')],
    usage: () => ({
      cpuSeconds: readField(directory, 'cpu.stat', 'usage_usec') / 1e6,
      maxMemoryBytes: readNumber(directory, 'memory.peak') ?? readNumber(directory, 'memory.current') ?? 0,
    }),
    events: () => ({
      memoryKills: readField(directory, 'memory.events', 'oom_kill'),
      processRefusals: readField(directory, 'pids.events', 'max'),
    }),
    async kill() {
      tryWrite(directory, 'cgroup.kill', 1)
      await killAll(directory)
    },
    remove: () => removeAll([directory]),
  }
}

const noCgroup: JobCgroup = {
  create: () => {},
  joinFiles: [],
  usage: () => ({ cpuSeconds: 0, maxMemoryBytes: 0 }),
  events: () => ({ memoryKills: 0, processRefusals: 0 }),
  kill: async () => {},
  remove: async () => {},
}

const quota = (cpus: number) => Math.max(1000, Math.round(cpus * CPU_PERIOD))

/** Repeated until the group is empty: what is being forked while the list is read is in the next list. */
async function killAll(directory: string): Promise<void> {
  const giveUpAt = Date.now() + KILL_PATIENCE_MS
  for (let wait = 1; Date.now() < giveUpAt; wait = Math.min(50, wait * 2)) {
    const pids = readLines(directory, 'cgroup.procs')
    if (pids.length === 0) return
    for (const pid of pids) {
      try {
        process.kill(Number(pid), 'SIGKILL')
      } catch {
        // Gone already.
      }
    }
    await sleep(wait)
  }
}

async function removeAll(directories: readonly string[]): Promise<void> {
  for (const directory of directories) {
    // The kernel lets go of a group a moment after its last process.
    for (let attempt = 0; attempt < 50; attempt++) {
      try {
        rmdirSync(directory)
        break
      } catch (error) {
        const code = (error as NodeJS.ErrnoException).code
        if (code === 'ENOENT') break
        if (code !== 'EBUSY') throw error
        await sleep(10)
      }
    }
  }
}

function write(directory: string, file: string, value: number | string): void {
  writeFileSync(join(directory, file), String(value))
}

function tryWrite(directory: string, file: string, value: number | string): boolean {
  try {
    // Never create: in a control group a file that is not there is a feature that is not there.
    if (!readdirSync(directory).includes(file)) return false
    write(directory, file, value)
    return true
  } catch {
    return false
  }
}

function readLines(directory: string, file: string): string[] {
  try {
    return readFileSync(join(directory, file), 'latin1')
      .split('\n')
      .filter((line) => line !== '')
  } catch {
    return []
  }
}

function readNumber(directory: string, file: string): number | null {
  const [line] = readLines(directory, file)
  const value = Number(line)
  return line === undefined || !Number.isFinite(value) ? null : value
}

function readField(directory: string, file: string, field: string): number {
  for (const line of readLines(directory, file)) {
    const [name, value] = line.split(' ')
    if (name === field) return Number(value)
  }
  return 0
}
