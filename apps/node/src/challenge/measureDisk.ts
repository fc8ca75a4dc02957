import { randomFillSync } from 'node:crypto'
import { open, rm } from 'node:fs/promises'
import { join } from 'node:path'

/**
 * How fast a new file reaches the disk, in 10⁶ bytes a second, flushed to the device before the clock stops.
 * Reading is not measured: what was just written is answered from memory.
 * @param folder Folder on the disk to measure; the file is removed again.
 */
export async function measureDisk(folder: string, bytes = 256 * 2 ** 20): Promise<number> {
  const path = join(folder, `.benchmark-${process.pid}`)
  // Random, because some disks compress.
  const chunk = randomFillSync(Buffer.alloc(4 * 2 ** 20))
  const began = performance.now()
  const file = await open(path, 'wx', 0o600)
  try {
    for (let at = 0; at < bytes; at += chunk.length)
      await file.write(chunk, 0, Math.min(chunk.length, bytes - at))
    await file.sync()
    return bytes / (performance.now() - began) / 1e3
  } finally {
    await file.close()
    await rm(path, { force: true })
  }
}
