import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { writeFileAtomic } from '../../home/writeFileAtomic.ts'
import { ChainSnapshotCorruptError } from './errors.ts'

const headSchema = z.object({
  /** The last entry of the journal that the snapshot holds. */
  seq: z.number().int().nonnegative(),
  /** Seconds by which the chain's clock was moved ahead. */
  offset: z.number().int().nonnegative(),
  head: z.string(),
  sha256: z.string(),
})

export interface ChainSnapshot {
  readonly seq: number
  readonly offset: number
  /** Hash of the chain's head. */
  readonly head: string
  /** What `anvil_dumpState` gave, as hex. */
  readonly state: string
}

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')

/** Writes a snapshot so that a crash leaves the old one or the new one, never a part. */
export function writeChainSnapshot(path: string, snapshot: ChainSnapshot): void {
  const { state, ...rest } = snapshot
  writeFileAtomic(path, `${JSON.stringify({ ...rest, sha256: sha256(state) })}\n${state}`)
}

/**
 * Reads a snapshot.
 *
 * @returns `null` if there is none.
 * @throws ChainSnapshotCorruptError
 */
export function readChainSnapshot(path: string): ChainSnapshot | null {
  let text: string
  try {
    text = readFileSync(path, 'latin1')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
  const end = text.indexOf('\n')
  try {
    const { sha256: recorded, ...head } = headSchema.parse(JSON.parse(text.slice(0, end)))
    const state = text.slice(end + 1)
    if (sha256(state) !== recorded)
      throw new ChainSnapshotCorruptError({ path, reason: 'its checksum does not match' })
    return { ...head, state }
  } catch (cause) {
    if (cause instanceof ChainSnapshotCorruptError) throw cause
    throw new ChainSnapshotCorruptError({ path, reason: 'its first line is not what was written', cause })
  }
}
