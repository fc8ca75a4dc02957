import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ancestors, parseCgroup, parseCpuMax, parseCpuQuota, parseMemoryLimit } from './parseCgroup.ts'

/** What the control groups above this process leave it. Null: no limit. */
export interface Limits {
  readonly cgroup: 'v1' | 'v2' | 'none'
  readonly cpus: number | null
  readonly memoryBytes: number | null
}

/**
 * Reads the CPU quota and the memory limit that bind this process, in cgroup v2, v1 or a mixture of both.
 * @param root Folder that stands for `/`.
 */
export async function readLimits(root: string): Promise<Limits> {
  const text = await readText(join(root, 'proc/self/cgroup'))
  if (text === null) return { cgroup: 'none', cpus: null, memoryBytes: null }
  const { unified, controllers } = parseCgroup(text)
  const cpus: (number | null)[] = []
  const memory: (number | null)[] = []

  for (const path of unified === null ? [] : ancestors(unified)) {
    const folder = join(root, 'sys/fs/cgroup', path)
    cpus.push(await limit(folder, 'cpu.max', parseCpuMax))
    memory.push(await limit(folder, 'memory.max', parseMemoryLimit))
  }
  for (const path of walk(controllers, 'cpu')) {
    const folder = join(root, 'sys/fs/cgroup/cpu', path)
    const period = await readText(join(folder, 'cpu.cfs_period_us'))
    cpus.push(await limit(folder, 'cpu.cfs_quota_us', (quota) => parseCpuQuota(quota, period ?? '')))
  }
  for (const path of walk(controllers, 'memory')) {
    const folder = join(root, 'sys/fs/cgroup/memory', path)
    memory.push(await limit(folder, 'memory.limit_in_bytes', parseMemoryLimit))
  }
  return {
    cgroup: controllers.has('cpu') || controllers.has('memory') ? 'v1' : unified === null ? 'none' : 'v2',
    cpus: least(cpus),
    memoryBytes: least(memory),
  }
}

/** Inside a container the path may name a group of the host that is not mounted: the root then stands for it. */
function walk(controllers: ReadonlyMap<string, string>, name: string): readonly string[] {
  const path = controllers.get(name)
  return path === undefined ? [] : ancestors(path)
}

async function limit(folder: string, file: string, parse: (text: string) => number | null) {
  const text = await readText(join(folder, file))
  return text === null ? null : parse(text)
}

function least(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null)
  return known.length === 0 ? null : Math.min(...known)
}

/** A file's text, or null where it cannot be read. */
export async function readText(path: string): Promise<string | null> {
  return readFile(path, 'utf8').catch(() => null)
}
