import { closeSync, fdatasyncSync, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs'
import { crc32 } from 'node:zlib'
import { writeFileAtomic } from '../home/writeFileAtomic.ts'

/** An append-only file of checksummed JSON lines. */
export interface Journal<Entry> {
  /** Entries found at opening, in order. */
  readonly entries: readonly Entry[]
  /** Makes entries durable: after a crash all of them are there, or a prefix. Throws what `onWriteError` makes, and then holds none. */
  append(entries: readonly Entry[]): void
  /** Replaces everything by these entries. */
  rewrite(entries: readonly Entry[]): void
  close(): void
}

export interface JournalOptions<Entry> {
  readonly path: string
  /** Reads one line's JSON: the entry, or as text why it is none or cannot follow `previous`. */
  readonly read: (json: unknown, previous: Entry | undefined) => { readonly entry: Entry } | string
  /** The error for a damaged line that is not the last. Lines count from 1. */
  readonly onDamage: (line: number, reason: string) => Error
  readonly onWriteError: (cause: unknown) => Error
}

const checksum = (text: string) => crc32(text).toString(16).padStart(8, '0')

function encode(entry: unknown): string {
  // ASCII only, so that bytes and characters count the same.
  const text = JSON.stringify(entry, (_, value: unknown) =>
    typeof value === 'bigint' ? value.toString() : value,
  ).replace(/[\u0080-\uffff]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
  return `${checksum(text)} ${text}\n`
}

/** Reads lines; a last line that is torn was never acknowledged and is left out. */
function decode<Entry>(text: string, options: JournalOptions<Entry>): { entries: Entry[]; valid: number } {
  const entries: Entry[] = []
  let valid = 0
  for (let line = 1; valid < text.length; line++) {
    const end = text.indexOf('\n', valid)
    if (end === -1) break
    const body = text.slice(valid + 9, end)
    if (text[valid + 8] !== ' ' || checksum(body) !== text.slice(valid, valid + 8)) {
      if (end === text.length - 1) break
      throw options.onDamage(line, 'its checksum does not match')
    }
    const read = options.read(JSON.parse(body), entries.at(-1))
    if (typeof read === 'string') throw options.onDamage(line, read)
    entries.push(read.entry)
    valid = end + 1
  }
  return { entries, valid }
}

/**
 * Opens a journal; creates it if it is missing. A torn last line is cut off.
 *
 * @throws What `onDamage` makes, if anything but the last line is damaged.
 */
export function openJournal<Entry>(options: JournalOptions<Entry>): Journal<Entry> {
  const { path } = options
  let fd = openSync(path, 'a+', 0o600)
  const { entries, valid } = decode(readFileSync(path, 'latin1'), options)
  let size = valid
  ftruncateSync(fd, size)
  return {
    entries,
    append(added) {
      const bytes = Buffer.from(added.map(encode).join(''), 'latin1')
      try {
        for (let written = 0; written < bytes.length; )
          written += writeSync(fd, bytes, written, bytes.length - written)
        fdatasyncSync(fd)
      } catch (cause) {
        // What was half written must not be followed by later lines.
        ftruncateSync(fd, size)
        throw options.onWriteError(cause)
      }
      size += bytes.length
    },
    rewrite(kept) {
      const bytes = Buffer.from(kept.map(encode).join(''), 'latin1')
      writeFileAtomic(path, bytes)
      closeSync(fd)
      fd = openSync(path, 'a', 0o600)
      size = bytes.length
    },
    close: () => closeSync(fd),
  }
}
