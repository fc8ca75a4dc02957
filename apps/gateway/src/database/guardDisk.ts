import { statfs } from 'node:fs/promises'
import { DiskFull } from './errors.ts'

/** How long an answer of the system is good for, milliseconds. */
const FRESH_MS = 1_000

/**
 * Keeps writes from a disk that is nearly full. The embedded engine survives a table that cannot grow, but not a write-ahead log
 * that cannot: so nothing is begun that might need more than is left.
 * @param folder Where the database is.
 * @param leastBytes Free space below which nothing is written.
 * @returns A check that throws DiskFull.
 */
export function guardDisk(folder: string, leastBytes: number): () => Promise<void> {
  let lookedAt = Number.NEGATIVE_INFINITY
  let free = Number.POSITIVE_INFINITY
  return async () => {
    const now = performance.now()
    if (now - lookedAt > FRESH_MS) {
      lookedAt = now
      const { bavail, bsize } = await statfs(folder)
      free = bavail * bsize
    }
    if (free < leastBytes) throw new DiskFull(folder, free, leastBytes)
  }
}
