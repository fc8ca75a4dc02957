import { readFileSync } from 'node:fs'

/** Names of `prlimit` options, and of the same limits in /proc. */
const KERNEL_NAMES = {
  core: 'Max core file size',
  data: 'Max data size',
  memlock: 'Max locked memory',
  msgqueue: 'Max msgqueue size',
  nice: 'Max nice priority',
  nofile: 'Max open files',
  nproc: 'Max processes',
  rtprio: 'Max realtime priority',
  sigpending: 'Max pending signals',
} as const

export type ResourceLimits = Readonly<Partial<Record<keyof typeof KERNEL_NAMES, number>>>

/**
 * Options for `prlimit` that set soft and hard limits, none above the hard limit this process has itself: raising one is
 * refused, and would fail the job. `procLimits` is the text of /proc/self/limits.
 */
export function prlimitOptions(
  limits: ResourceLimits,
  procLimits: string = readFileSync('/proc/self/limits', 'latin1'),
): string[] {
  return Object.entries(limits).map(([name, wanted]) => {
    const value = Math.min(wanted, hardLimit(procLimits, KERNEL_NAMES[name as keyof typeof KERNEL_NAMES]))
    return `--${name}=${value}:${value}`
  })
}

/** Lines read `Max open files   1024   1048576   files`. */
function hardLimit(procLimits: string, name: string): number {
  const line = procLimits.split('\n').find((candidate) => candidate.startsWith(name))
  const value = line?.slice(name.length).trim().split(/\s+/)[1]
  return value === undefined || value === 'unlimited' ? Number.POSITIVE_INFINITY : Number(value)
}
