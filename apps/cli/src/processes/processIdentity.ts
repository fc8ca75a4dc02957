import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { z } from 'zod'

/** Names one process for ever: a pid alone is reused by the system. */
export const processIdentitySchema = z.object({
  pid: z.number().int().positive(),
  /** When it started, in the system's own notation. */
  started: z.string(),
})
export type ProcessIdentity = z.infer<typeof processIdentitySchema>

/** When the process `pid` started, or `null` if there is none. Two processes with the same pid differ in it. */
export function startOf(pid: number): string | null {
  if (process.platform === 'linux') {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
      // The command's name, in brackets, may itself hold brackets and spaces.
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
      if (fields[0] === 'Z') return null
      return fields[19] ?? null
    } catch {
      return null
    }
  }
  const { stdout, status } = spawnSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' })
  const text = stdout?.trim() ?? ''
  return status === 0 && text !== '' ? text : null
}

export const identityOf = (pid: number): ProcessIdentity | null => {
  const started = startOf(pid)
  return started === null ? null : { pid, started }
}

export const isAlive = (identity: ProcessIdentity): boolean => startOf(identity.pid) === identity.started
