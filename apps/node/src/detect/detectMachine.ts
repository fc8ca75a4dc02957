import { mkdir, statfs } from 'node:fs/promises'
import { availableParallelism, cpus, homedir, totalmem } from 'node:os'
import type { Finding } from './compareGpus.ts'
import { detectGpus } from './detectGpus.ts'
import { detectPython, type Python } from './detectPython.ts'
import type { Gpu } from './parseNvidiaSmi.ts'
import { readLimits } from './readLimits.ts'

/** What this process can use of the machine it runs on. */
export interface Machine {
  /** As `process.platform` and `process.arch` name them. */
  readonly os: string
  readonly arch: string
  /** CPUs usable: what affinity and the control groups' quota leave, at least 0.01; may be a fraction. */
  readonly cpus: number
  readonly cpuModel: string
  /** Bytes usable: physical memory or the control groups' limit, the smaller. */
  readonly memoryBytes: number
  /** Bytes free for this user on the disk that holds `home`. */
  readonly diskFreeBytes: number
  readonly cgroup: 'v1' | 'v2' | 'none'
  readonly gpus: readonly Gpu[]
  /** Null where there is none, or `python` was false. */
  readonly python: Python | null
  /** What looks wrong; a buyer is shown these. */
  readonly findings: readonly Finding[]
}

export interface DetectOptions {
  /** Folder whose disk counts; made if missing. The user's home by default. */
  readonly home?: string
  /** Search path for `nvidia-smi` and `python3`; that of this process by default. */
  readonly path?: string
  /** Folder that stands for `/` when reading `proc` and `sys`. */
  readonly root?: string
  /** Whether to ask Python for NumPy and PyTorch (up to seconds). True by default. */
  readonly python?: boolean
  /** Longest time for each outside program, in milliseconds; 20,000 by default. */
  readonly timeoutMs?: number
}

/**
 * Detects what this machine can offer: CPUs, memory, disk and GPUs, after all limits that bind this process.
 * A part that cannot be read counts as absent; only an unusable `home` throws (the file system's own error).
 *
 * @example
 * const machine = await detectMachine({ home: '/srv/millrace' })
 * console.log(machine.cpus, machine.gpus.map((gpu) => gpu.name))
 */
export async function detectMachine(options: DetectOptions = {}): Promise<Machine> {
  const { home = homedir(), root = '/', timeoutMs = 20_000 } = options
  const path = options.path ?? process.env.PATH ?? ''
  await mkdir(home, { recursive: true })
  const [limits, disk, gpu, python] = await Promise.all([
    readLimits(root),
    statfs(home),
    detectGpus({ root, path, timeoutMs }),
    options.python === false ? null : detectPython({ path, timeoutMs }),
  ])
  return {
    os: process.platform,
    arch: process.arch,
    cpus: Math.max(0.01, Math.min(availableParallelism(), limits.cpus ?? Number.POSITIVE_INFINITY)),
    cpuModel: cpus()[0]?.model.trim() || 'unknown',
    memoryBytes: Math.min(totalmem(), limits.memoryBytes ?? Number.POSITIVE_INFINITY),
    diskFreeBytes: disk.bavail * disk.bsize,
    cgroup: limits.cgroup,
    gpus: gpu.gpus,
    python,
    findings: gpu.findings,
  }
}
