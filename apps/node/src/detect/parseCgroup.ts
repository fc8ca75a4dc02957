/** Where a process stands in the cgroup hierarchies, from `/proc/self/cgroup`. */
export interface CgroupPaths {
  /** Path in the unified (v2) hierarchy, null where there is none. */
  readonly unified: string | null
  /** Path by v1 controller. */
  readonly controllers: ReadonlyMap<string, string>
}

/** Reads the lines `id:controllers:path` of `/proc/self/cgroup`. Lines of another form are skipped. */
export function parseCgroup(text: string): CgroupPaths {
  let unified: string | null = null
  const controllers = new Map<string, string>()
  for (const line of text.split('\n')) {
    const match = /^\d+:([^:]*):(\/.*)$/.exec(line)
    if (!match) continue
    const [, names = '', path = '/'] = match
    if (names === '') unified = path
    else for (const name of names.split(',')) controllers.set(name, path)
  }
  return { unified, controllers }
}

/** CPUs that `cpu.max` ("quota period" or "max period") allows; null for no limit. */
export function parseCpuMax(text: string): number | null {
  const [quota, period] = text.trim().split(/\s+/)
  return ratio(Number(quota), Number(period ?? 100_000))
}

/** CPUs that v1's `cpu.cfs_quota_us` and `cpu.cfs_period_us` allow; null for no limit (quota -1). */
export function parseCpuQuota(quota: string, period: string): number | null {
  return ratio(Number(quota), Number(period))
}

/** Bytes of `memory.max`, `memory.high` or v1's `memory.limit_in_bytes`; null for no limit. */
export function parseMemoryLimit(text: string): number | null {
  const bytes = Number(text.trim())
  // v1 writes "no limit" as the largest multiple of the page size below 2^63.
  return Number.isFinite(bytes) && bytes > 0 && bytes < 2 ** 60 ? bytes : null
}

/** A cgroup path and its ancestors, nearest first: a limit anywhere above binds as well. */
export function ancestors(path: string): readonly string[] {
  const parts = path.split('/').filter((part) => part !== '' && part !== '.' && part !== '..')
  return Array.from({ length: parts.length + 1 }, (_, i) => parts.slice(0, parts.length - i).join('/'))
}

function ratio(quota: number, period: number): number | null {
  return quota > 0 && period > 0 && Number.isFinite(quota) ? quota / period : null
}
