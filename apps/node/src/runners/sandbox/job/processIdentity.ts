import { readFileSync } from 'node:fs'

/**
 * Names one process for ever: boot, process id and start time. A process id alone is reused, and would let a restarted
 * node take a stranger for the job's supervisor. `null` if there is no such process or it is only waiting to be reaped.
 */
export function processIdentity(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    // The command name is in parentheses and may hold anything, parentheses and spaces included.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    const [state, startTicks] = [fields[0], fields[19]]
    if (state === 'Z' || state === 'X' || startTicks === undefined) return null
    return `${bootId()}:${pid}:${startTicks}`
  } catch {
    return null
  }
}

/** Whether the named process still runs. */
export function isAlive(identity: string): boolean {
  const pid = pidOf(identity)
  return pid !== null && processIdentity(pid) === identity
}

/** Send SIGKILL, if the named process still runs. */
export function killProcess(identity: string): void {
  const pid = pidOf(identity)
  if (pid === null || !isAlive(identity)) return
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It ended between the check and the signal.
  }
}

function pidOf(identity: string): number | null {
  const pid = Number(identity.split(':')[1])
  return Number.isSafeInteger(pid) && pid > 1 ? pid : null
}

let cachedBootId: string | undefined
function bootId(): string {
  cachedBootId ??= readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim()
  return cachedBootId
}
