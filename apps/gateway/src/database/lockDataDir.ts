import { readFile, rm, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { DataDirInUse } from './errors.ts'

/**
 * Takes the folder for this process: two embedded engines on one folder would destroy it.
 * A lock whose owner is gone (a kill, a power cut) is taken over. Returns how to let go.
 * @throws DataDirInUse with the owner's process id
 */
export async function lockDataDir(dataDir: string): Promise<() => Promise<void>> {
  const path = join(dirname(dataDir), `.${basename(dataDir)}.lock`)
  const own = `${process.pid} ${await startOf(process.pid)}`
  for (let attempt = 0; ; attempt++) {
    try {
      await writeFile(path, own, { flag: 'wx' })
      return () => rm(path, { force: true })
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    }
    const [pid = '0', start] = (await readFile(path, 'utf8').catch(() => '')).split(' ')
    const alive = (await startOf(Number(pid))) === start && start !== undefined
    if (alive || attempt > 3) throw new DataDirInUse(dataDir, Number(pid))
    await rm(path, { force: true })
  }
}

/** When the process started, as the kernel counts it; tells a reused id from its former owner. */
async function startOf(pid: number): Promise<string> {
  if (process.platform !== 'linux') return isAlive(pid) ? 'alive' : 'gone'
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
  // The command in parentheses may hold spaces; the start time is field 22, the 20th behind it.
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? 'gone'
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
