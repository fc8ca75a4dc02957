import { mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { KeyFileExposedError } from './errors.ts'

/** Reads a file that only its owner may read; `null` if it is not there. Throws `KeyFileExposedError`. */
export async function readSecret(path: string): Promise<string | null> {
  try {
    const { mode } = await stat(path)
    if ((mode & 0o077) !== 0) throw new KeyFileExposedError({ path, mode: mode & 0o777 })
    return await readFile(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}

/** Writes a file that only its owner may read: whole and on disk, or not at all. */
export async function writeSecret(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  const draft = `${path}.${process.pid}.new`
  try {
    const file = await open(draft, 'wx', 0o600)
    try {
      await file.writeFile(text)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(draft, path)
  } finally {
    await rm(draft, { force: true })
  }
}
