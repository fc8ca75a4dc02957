import { constants, open, rm } from 'node:fs/promises'

/**
 * What the disk alone takes, in milliseconds each: `count` lines of 900 bytes appended at a rate, each waited for until it is on disk, by a
 * process that does nothing else.
 */
export async function probeDisk(
  path: string,
  { count, perSecond }: { readonly count: number; readonly perSecond: number },
): Promise<readonly number[]> {
  const { O_APPEND, O_CREAT, O_RDWR, O_DSYNC = 0 } = constants
  const file = await open(path, O_APPEND | O_CREAT | O_RDWR | O_DSYNC, 0o600)
  const line = Buffer.alloc(900, 'a')
  const took: number[] = []
  const begun = performance.now()
  for (let at = 0; at < count; at++) {
    const early = begun + (at * 1000) / perSecond - performance.now()
    if (early > 0) await new Promise((done) => setTimeout(done, early))
    const started = performance.now()
    await file.write(line)
    if (process.platform !== 'linux') await file.datasync()
    took.push(performance.now() - started)
  }
  await file.close()
  await rm(path)
  return took
}
