import { existsSync, readFileSync } from 'node:fs'
import { decodeLine } from './lines.ts'

/**
 * Entries of a journal as they are on disk, oldest first, without opening it: another process may be writing. What is not
 * a whole line yet is left out; none where there is no file.
 *
 * @example
 * for (const entry of readEntries('/var/lib/shop/ledger.jsonl')) console.log(entry)
 */
export function readEntries(path: string): readonly unknown[] {
  if (!existsSync(path)) return []
  const file = readFileSync(path)
  const entries: unknown[] = []
  let start = 0
  for (let stop = file.indexOf(0x0a); stop !== -1; stop = file.indexOf(0x0a, start)) {
    for (const entry of decodeLine(file.subarray(start, stop))?.entries ?? []) entries.push(entry)
    start = stop + 1
  }
  return entries
}
