import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { type FileHandle, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { BundleRef } from '@millrace/sdk'
import { BundleHashError, BundleOffsetError, BundleTooLargeError } from './errors.ts'

export interface BundleStore {
  /** Bytes of the bundle that are here. */
  received(bundle: BundleRef): Promise<number>
  /**
   * Appends a piece. The last one checks the hash. Returns the bytes here. Throws `BundleOffsetError`,
   * `BundleTooLargeError`, `BundleHashError`.
   */
  write(bundle: BundleRef, offset: number, piece: Uint8Array): Promise<number>
  /** Path of the whole, checked bundle, or `null`. */
  path(bundle: BundleRef): Promise<string | null>
  /** Forgets open files; what came stays for the next time. */
  close(): Promise<void>
}

interface Partial {
  readonly bundle: BundleRef
  readonly file: FileHandle
  size: number
}

/**
 * Takes the bundle of one lease piece by piece, into `folder`. What came survives a crash and is gone on from; a hash
 * over the whole at the end is what counts, not what the disk says it wrote.
 *
 * @param options.limit Most bytes of a bundle.
 */
export function createBundleStore(options: { folder: string; limit: number }): BundleStore {
  const { folder, limit } = options
  const whole = (bundle: BundleRef) => join(folder, `${bundle.hash.slice(2)}.tgz`)
  const part = (bundle: BundleRef) => `${whole(bundle)}.part`
  let current: Partial | null = null
  let busy: Promise<unknown> = Promise.resolve()

  function exclusive<T>(work: () => Promise<T>): Promise<T> {
    const next = busy.then(work)
    busy = next.catch(() => undefined)
    return next
  }

  async function sizeOf(path: string): Promise<number | null> {
    try {
      return (await stat(path)).size
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
      throw error
    }
  }

  async function received(bundle: BundleRef): Promise<number> {
    if (current?.bundle.hash === bundle.hash) return current.size
    if ((await sizeOf(whole(bundle))) !== null) return bundle.size
    const size = (await sizeOf(part(bundle))) ?? 0
    if (size === 0 || size < bundle.size) return size
    // All of it came, and a crash was quicker than the check: nobody would send a piece of it again.
    try {
      await finish(await openPart(bundle))
      return bundle.size
    } catch (error) {
      if (error instanceof BundleHashError) return 0
      throw error
    }
  }

  async function openPart(bundle: BundleRef): Promise<Partial> {
    if (current !== null && current.bundle.hash === bundle.hash) return current
    // One bundle a lease: another hash means that the buyer changed the files and starts over.
    if (current !== null) await drop(current)
    await mkdir(folder, { recursive: true, mode: 0o700 })
    await dropOthers(bundle)
    const size = (await sizeOf(part(bundle))) ?? 0
    current = { bundle, file: await open(part(bundle), 'a', 0o600), size }
    return current
  }

  /** Deletes every bundle but this one, whole or begun: a buyer gets the room of one. */
  async function dropOthers(bundle: BundleRef): Promise<void> {
    const kept = basename(part(bundle))
    for (const name of await readdir(folder)) {
      if (/^[0-9a-f]{64}\.tgz(\.part)?$/.test(name) && name !== kept) {
        await rm(join(folder, name), { force: true })
      }
    }
  }

  async function drop(partial: Partial): Promise<void> {
    current = null
    await partial.file.close()
    await rm(part(partial.bundle), { force: true })
  }

  async function finish(partial: Partial): Promise<void> {
    await partial.file.sync()
    const hash = createHash('sha256')
    for await (const chunk of createReadStream(part(partial.bundle))) hash.update(chunk as Buffer)
    const actual = `0x${hash.digest('hex')}`
    if (actual !== partial.bundle.hash) {
      await drop(partial)
      throw new BundleHashError({ expected: partial.bundle.hash, actual })
    }
    current = null
    await partial.file.close()
    await rename(part(partial.bundle), whole(partial.bundle))
  }

  return {
    received: (bundle) => exclusive(() => received(bundle)),
    write(bundle, offset, piece) {
      return exclusive(async () => {
        if (bundle.size > limit) throw new BundleTooLargeError({ size: bundle.size, allowed: limit })
        const here = await received(bundle)
        // A piece sent again after a lost answer: it is here already.
        if (offset + piece.length <= here) return here
        if (offset !== here) throw new BundleOffsetError({ offset, received: here })
        if (offset + piece.length > bundle.size) {
          throw new BundleTooLargeError({ size: offset + piece.length, allowed: bundle.size })
        }
        const partial = await openPart(bundle)
        try {
          await partial.file.appendFile(piece)
        } catch (error) {
          await partial.file.truncate(here).catch(() => undefined)
          throw error
        }
        partial.size += piece.length
        if (partial.size === bundle.size) await finish(partial)
        return offset + piece.length
      })
    },
    path(bundle) {
      return exclusive(async () => {
        await received(bundle)
        return (await sizeOf(whole(bundle))) === null ? null : whole(bundle)
      })
    },
    close() {
      return exclusive(async () => {
        const partial = current
        current = null
        await partial?.file.close()
      })
    },
  }
}
