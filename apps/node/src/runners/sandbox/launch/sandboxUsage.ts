import { readdirSync, readFileSync } from 'node:fs'

/** The unit of times in /proc, the same on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100

/**
 * Memory of a process and all below it, where no control group counts it: resident pages, in bytes. Pages that processes
 * share are counted in each, so this errs against the job.
 */
export function sandboxUsage(rootPid: number): { readonly memoryBytes: number } {
  const children = new Map<number, number[]>()
  for (const name of readdirSync('/proc')) {
    const pid = Number(name)
    if (!Number.isSafeInteger(pid)) continue
    const parent = Number(statFields(`/proc/${pid}/stat`)?.[1])
    if (Number.isSafeInteger(parent)) children.set(parent, [...(children.get(parent) ?? []), pid])
  }
  let memoryBytes = 0
  const pending = [rootPid]
  for (let pid = pending.pop(); pid !== undefined; pid = pending.pop()) {
    memoryBytes += residentBytes(pid)
    pending.push(...(children.get(pid) ?? []))
  }
  return { memoryBytes }
}

/** CPU time of all children of this process that have ended, and of theirs. */
export function endedChildrenCpuSeconds(): number {
  const fields = statFields('/proc/self/stat')
  return (Number(fields?.[13] ?? 0) + Number(fields?.[14] ?? 0)) / TICKS_PER_SECOND
}

/** The fields of a stat file from the state on. */
function statFields(path: string): string[] | null {
  try {
    const stat = readFileSync(path, 'latin1')
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  } catch {
    return null
  }
}

function residentBytes(pid: number): number {
  try {
    const match = readFileSync(`/proc/${pid}/status`, 'latin1').match(/^VmRSS:\s+(\d+) kB$/m)
    return Number(match?.[1] ?? 0) * 1024
  } catch {
    return 0
  }
}
