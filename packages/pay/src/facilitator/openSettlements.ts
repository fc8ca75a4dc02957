import { open, readFile } from 'node:fs/promises'
import { SettlementsCorruptError } from './errors.ts'
import type { SettlementEntry, SettlementJournal } from './journal.ts'

/**
 * Opens a file of settlements, one line of JSON each, forced to disk before `append` resolves. A last line that a crash
 * cut short is dropped: nothing was sent on it.
 *
 * @param path The file; made if it is missing. Its folder must be there.
 * @returns The journal, with `close`.
 * @throws SettlementsCorruptError if a line before the last cannot be read.
 * @example
 * const journal = await openSettlements('/var/lib/gateway/settlements')
 */
export async function openSettlements(path: string): Promise<SettlementJournal & { close(): Promise<void> }> {
  const { entries, end } = parse(await readOrEmpty(path), path)
  const file = await open(path, 'a+', 0o600)
  await file.truncate(end)
  await file.sync()
  let writing: Promise<void> = Promise.resolve()
  return {
    replayed: entries.map((entry) => ({ entry })),
    append(entry) {
      const written = writing.then(async () => {
        await file.appendFile(`${JSON.stringify(entry)}\n`)
        await file.datasync()
      })
      writing = written.catch(() => undefined)
      return written
    },
    async close() {
      await writing
      await file.close()
    },
  }
}

function parse(text: string, path: string): { entries: SettlementEntry[]; end: number } {
  const complete = text.slice(0, text.lastIndexOf('\n') + 1)
  const lines = complete.split('\n').slice(0, -1)
  const entries = lines.map((line, index) => {
    try {
      return JSON.parse(line) as SettlementEntry
    } catch (cause) {
      throw new SettlementsCorruptError({ path, line: index + 1, cause })
    }
  })
  return { entries, end: Buffer.byteLength(complete) }
}

async function readOrEmpty(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return ''
    throw error
  }
}
