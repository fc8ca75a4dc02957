import { linkSync, mkdirSync, readFileSync, rmSync, unlinkSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { z } from 'zod'
import { identityOf, isAlive, type ProcessIdentity, processIdentitySchema } from './processIdentity.ts'

/** The live process that a pid file names, or `null` if it names none. */
export function readPidFile(path: string): ProcessIdentity | null {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch {
    return null
  }
  const parsed = z
    .string()
    .transform((value, context) => {
      try {
        return JSON.parse(value) as unknown
      } catch {
        context.addIssue({ code: 'custom', message: 'not JSON' })
        return z.NEVER
      }
    })
    .pipe(processIdentitySchema)
    .safeParse(text)
  return parsed.success && isAlive(parsed.data) ? parsed.data : null
}

/**
 * Writes a pid file for `pid`, unless it names another live process.
 *
 * @returns The live process that holds the file already, or `null` if it is ours now.
 */
export function takePidFile(path: string, pid: number = process.pid): ProcessIdentity | null {
  const own = identityOf(pid)
  if (own === null) return null
  mkdirSync(dirname(path), { recursive: true })
  const draft = `${path}.${process.pid}.draft`
  writeFileSync(draft, JSON.stringify(own), { mode: 0o600 })
  try {
    for (let attempt = 0; attempt < 20; attempt++) {
      try {
        // A link either appears whole or not at all, and never replaces a file.
        linkSync(draft, path)
        return null
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
      }
      const holder = readPidFile(path)
      if (holder !== null && holder.pid !== pid) return holder
      rmSync(path, { force: true })
    }
    return readPidFile(path)
  } finally {
    unlinkSync(draft)
  }
}

export const dropPidFile = (path: string): void => rmSync(path, { force: true })
