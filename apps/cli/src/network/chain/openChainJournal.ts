import { closeSync, fdatasyncSync, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs'
import { crc32 } from 'node:zlib'
import { z } from 'zod'
import { writeFileAtomic } from '../../home/writeFileAtomic.ts'
import { ChainJournalCorruptError, ChainJournalWriteError } from './errors.ts'

const entrySchema = z.object({
  seq: z.number().int().positive(),
  /** Timestamp of the block that this entry makes, in Unix seconds. */
  time: z.number().int().nonnegative(),
  method: z.string(),
  params: z.array(z.unknown()),
  /** Hash of the chain's head before this entry, where it was known when the entry was written. */
  parent: z.string().nullable(),
})

/** One change of the chain. */
export type ChainEntry = z.infer<typeof entrySchema>

export interface ChainJournal {
  /** Entries found at opening, in order. */
  readonly entries: readonly ChainEntry[]
  /** Makes entries durable; all or, after a crash, a prefix of them. Throws `ChainJournalWriteError` and then holds none of them. */
  append(entries: readonly ChainEntry[]): void
  /** Drops entries up to and including `seq`: a snapshot holds them. */
  dropThrough(seq: number): void
  readonly bytes: number
  close(): void
}

const encode = (entry: ChainEntry) => {
  // ASCII only, so that bytes and characters count the same.
  const text = JSON.stringify(entry).replace(
    /[\u0080-\uffff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
  return `${crc32(text).toString(16).padStart(8, '0')} ${text}\n`
}

/** Reads lines; a last line without its end was never acknowledged and is left out. */
function decode(path: string, text: string): { entries: ChainEntry[]; valid: number } {
  const entries: ChainEntry[] = []
  let valid = 0
  for (let line = 1; valid < text.length; line++) {
    const end = text.indexOf('\n', valid)
    if (end === -1) break
    const raw = text.slice(valid, end)
    const isLast = end === text.length - 1
    const body = raw.slice(9)
    if (raw[8] !== ' ' || crc32(body).toString(16).padStart(8, '0') !== raw.slice(0, 8)) {
      if (isLast) break
      throw new ChainJournalCorruptError({ path, line, reason: 'its checksum does not match' })
    }
    const parsed = entrySchema.safeParse(JSON.parse(body))
    if (!parsed.success) throw new ChainJournalCorruptError({ path, line, reason: 'it is not an entry' })
    const previous = entries.at(-1)
    if (previous !== undefined && parsed.data.seq !== previous.seq + 1)
      throw new ChainJournalCorruptError({
        path,
        line,
        reason: `entry ${parsed.data.seq} follows entry ${previous.seq}`,
      })
    entries.push(parsed.data)
    valid = end + 1
  }
  return { entries, valid }
}

/**
 * Opens the append-only list of changes to the local chain.
 *
 * @param path File, created if missing.
 * @returns The journal with the entries found. A torn last line is cut off.
 * @throws ChainJournalCorruptError if anything but the last line is damaged.
 */
export function openChainJournal(path: string): ChainJournal {
  let fd = openSync(path, 'a+', 0o600)
  // Byte for byte: a torn multi-byte character must not shift offsets.
  const found = decode(path, readFileSync(path, 'latin1'))
  let size = found.valid
  ftruncateSync(fd, size)
  let kept: ChainEntry[] = found.entries

  return {
    entries: found.entries,
    get bytes() {
      return size
    },
    append(entries) {
      const bytes = Buffer.from(entries.map(encode).join(''), 'latin1')
      try {
        writeAll(fd, bytes)
        fdatasyncSync(fd)
      } catch (cause) {
        // What was half written must not be followed by later lines.
        ftruncateSync(fd, size)
        throw new ChainJournalWriteError({ path, cause })
      }
      size += bytes.length
      kept.push(...entries)
    },
    dropThrough(seq) {
      kept = kept.filter((entry) => entry.seq > seq)
      const bytes = Buffer.from(kept.map(encode).join(''), 'latin1')
      writeFileAtomic(path, bytes)
      closeSync(fd)
      fd = openSync(path, 'a', 0o600)
      size = bytes.length
    },
    close: () => closeSync(fd),
  }
}

function writeAll(fd: number, bytes: Uint8Array): void {
  for (let written = 0; written < bytes.length; )
    written += writeSync(fd, bytes, written, bytes.length - written)
}
