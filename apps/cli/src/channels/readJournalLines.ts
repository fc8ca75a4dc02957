import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/**
 * Entries of a journal of `@millrace/journal` as they are on disk, without opening it: another process may be writing.
 * What is not a whole line yet is left out.
 */
export function readJournalLines(path: string): readonly unknown[] {
  if (!existsSync(path)) return []
  return readFileSync(path, 'utf8')
    .split('\n')
    .slice(0, -1)
    .flatMap((line) => {
      try {
        const [, entry] = JSON.parse(line.slice(line.indexOf(' ') + 1)) as readonly [number, unknown]
        return [entry]
      } catch {
        return []
      }
    })
}

/** What is in a folder, whole paths; none where it is not there. */
export const foldersOf = (root: string): readonly string[] =>
  existsSync(root) ? readdirSync(root).map((name) => join(root, name)) : []
