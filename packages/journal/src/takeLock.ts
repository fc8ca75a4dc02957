import { randomUUID } from 'node:crypto'
import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { JournalInUseError } from './errors.ts'

/** A file that says which process uses something. */
export interface Lock {
  release(): Promise<void>
}

/**
 * Takes a file for this process alone. One left by a process that was killed is taken over: it names a process that is gone, or
 * one that started at another time.
 *
 * @param path The lock's own file.
 * @param subject What is locked, for the error's sentence.
 * @throws JournalInUseError
 * @example
 * const lock = await takeLock('/var/lib/shop/ledger.jsonl.lock', '/var/lib/shop/ledger.jsonl')
 */
export async function takeLock(path: string, subject: string): Promise<Lock> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  const mine = JSON.stringify({ pid: process.pid, started: await startOf(process.pid), id: randomUUID() })
  const draft = `${path}.${randomUUID()}`
  await writeFile(draft, mine, { mode: 0o600 })
  try {
    for (let attempt = 0; attempt < 3; attempt++) {
      try {
        // A link either appears whole or not at all, and never replaces a file.
        await link(draft, path)
        return {
          async release() {
            if ((await readFile(path, 'utf8').catch(() => '')) === mine) await rm(path, { force: true })
          },
        }
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
      }
      const pid = await holderOf(path)
      if (pid !== null) throw new JournalInUseError({ path: subject, pid })
      await rm(path, { force: true })
    }
    throw new JournalInUseError({ path: subject, pid: null })
  } finally {
    await rm(draft, { force: true })
  }
}

/** The live process that a lock names, or `null`. */
async function holderOf(path: string): Promise<number | null> {
  try {
    const { pid, started } = JSON.parse(await readFile(path, 'utf8')) as { pid: number; started: string }
    return started !== '' && (await startOf(pid)) === started ? pid : null
  } catch {
    // Gone meanwhile, or not one of ours.
    return null
  }
}

/** Something that two processes with the same id do not share: the start time in clock ticks since boot. */
async function startOf(pid: number): Promise<string> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8')
    // The command may hold spaces and brackets; the fields count from behind it.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? ''
  } catch {
    return ''
  }
}
