import { mkdir, open, readFile, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { NodeRunningError } from '../control/errors.ts'

/**
 * Takes the home for this process. A lock left by a killed node is taken over: it names a process that is gone, or one
 * that started at another time. Throws `NodeRunningError`.
 */
export async function takeLock(path: string): Promise<{ release(): Promise<void> }> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  const mine = JSON.stringify({ pid: process.pid, started: await processStart(process.pid) })
  for (let attempt = 0; attempt < 3; attempt++) {
    try {
      const file = await open(path, 'wx', 0o600)
      await file.writeFile(mine)
      await file.close()
      return {
        async release() {
          if ((await readFile(path, 'utf8').catch(() => '')) === mine) await rm(path, { force: true })
        },
      }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    }
    if (await holderLives(path)) throw new NodeRunningError({ path })
    await rm(path, { force: true })
  }
  throw new NodeRunningError({ path })
}

async function holderLives(path: string): Promise<boolean> {
  try {
    const { pid, started } = JSON.parse(await readFile(path, 'utf8')) as { pid: number; started: string }
    return (await processStart(pid)) === started && started !== ''
  } catch {
    // Unreadable or half written: whoever wrote it is gone.
    return false
  }
}

/** Something that two processes with the same id do not share: the start time in clock ticks since boot. */
async function processStart(pid: number): Promise<string> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8')
    // The command may hold spaces and brackets; the fields count from behind it.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? ''
  } catch {
    return ''
  }
}
