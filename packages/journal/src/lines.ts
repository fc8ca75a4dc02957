import { crc32 } from './crc32.ts'
import { JournalCorruptError } from './errors.ts'

/** An entry of a journal as it was read back. */
export interface ReplayedEntry<Entry> {
  readonly sequence: number
  readonly entry: Entry
}

/** A line as it is on disk: eight digits, a space, the body, a newline. What one write brings is one line. */
export function encodeLine(sequence: number, jsons: readonly string[]): Buffer {
  const body = `[${sequence},${jsons.join(',')}]`
  const bytes = Buffer.allocUnsafe(10 + Buffer.byteLength(body))
  bytes.write(body, 9)
  bytes.write(`${crc32(bytes.subarray(9, -1))} `, 0, 'latin1')
  bytes[bytes.length - 1] = 0x0a
  return bytes
}

export interface ParsedLines<Entry> {
  readonly entries: readonly ReplayedEntry<Entry>[]
  /** Where the last good line ends. */
  readonly end: number
  /** Bytes behind it of a line that was cut short. */
  readonly torn: number
}

/**
 * Reads a whole file.
 *
 * @throws JournalCorruptError for a line that cannot be read, or does not follow, with good ones behind it.
 */
export function parseLines<Entry>(bytes: Buffer, path: string): ParsedLines<Entry> {
  const entries: ReplayedEntry<Entry>[] = []
  let lines = 0
  let start = 0
  while (start < bytes.length) {
    const newline = bytes.indexOf(0x0a, start)
    const stop = newline === -1 ? bytes.length : newline
    const line = newline === -1 ? null : decodeLine<Entry>(bytes.subarray(start, stop))
    const previous = entries.at(-1)
    const follows = line !== null && (previous === undefined || line.sequence === previous.sequence + 1)
    if (line === null || !follows) {
      // A crash within a write leaves no good line behind the damage.
      if (line !== null || hasGoodLine(bytes, start + 1)) {
        throw new JournalCorruptError({ path, line: lines + 1, offset: start })
      }
      return { entries, end: start, torn: bytes.length - start }
    }
    for (const [index, entry] of line.entries.entries())
      entries.push({ sequence: line.sequence + index, entry })
    lines++
    start = stop + 1
  }
  return { entries, end: start, torn: 0 }
}

/** Whether a whole line stands anywhere behind `from`, even where the end of the line before it is damaged. */
function hasGoodLine(bytes: Buffer, from: number): boolean {
  const text = bytes.toString('latin1', from)
  for (const match of text.matchAll(/[0-9a-f]{8} \[\d+,/g)) {
    const start = from + match.index
    const newline = bytes.indexOf(0x0a, start)
    if (newline !== -1 && decodeLine(bytes.subarray(start, newline)) !== null) return true
  }
  return false
}

/** What one write brought. */
interface Line<Entry> {
  /** The number of its first entry. */
  readonly sequence: number
  readonly entries: readonly Entry[]
}

/** The line in `line`, which has no newline; `null` where it is not whole. */
export function decodeLine<Entry>(line: Buffer): Line<Entry> | null {
  if (line.length < 10 || line[8] !== 0x20) return null
  const body = line.subarray(9)
  if (line.toString('latin1', 0, 8) !== crc32(body)) return null
  try {
    const [sequence, ...entries] = JSON.parse(body.toString('utf8')) as [number, ...Entry[]]
    return { sequence, entries }
  } catch {
    return null
  }
}
