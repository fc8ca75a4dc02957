import { setTimeout as sleep } from 'node:timers/promises'
import { isAlive, type ProcessIdentity } from './processIdentity.ts'

/**
 * Ends a process: asks with SIGTERM, and after `graceMs` insists with SIGKILL.
 *
 * @returns `asked` if it went by itself, `killed` if it had to be made to, `gone` if it was not there.
 */
export async function endProcess(
  identity: ProcessIdentity,
  graceMs: number,
): Promise<'asked' | 'killed' | 'gone'> {
  if (!signal(identity, 'SIGTERM')) return 'gone'
  const until = Date.now() + graceMs
  while (Date.now() < until) {
    if (!isAlive(identity)) return 'asked'
    await sleep(20)
  }
  if (!signal(identity, 'SIGKILL')) return 'asked'
  while (isAlive(identity)) await sleep(20)
  return 'killed'
}

function signal(identity: ProcessIdentity, name: NodeJS.Signals): boolean {
  // The identity is checked right before, so that a reused pid is not hit.
  if (!isAlive(identity)) return false
  try {
    process.kill(identity.pid, name)
    return true
  } catch {
    return false
  }
}
