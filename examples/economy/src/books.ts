import { appendFile, readFile } from 'node:fs/promises'
import { uintSchema } from '@millrace/sdk'
import * as z from 'zod'

const lineSchema = z.object({
  /** `in` is money received, `out` money spent. */
  type: z.enum(['in', 'out']),
  what: z.string(),
  amount: uintSchema(128),
  ref: z.string(),
})

/** A line of an agent's books. Amounts in base units. */
export type BookLine = z.output<typeof lineSchema>

/** What an agent writes down of its own money. */
export interface Books {
  readonly path: string
  /** Appends a line. Resolves when it is in the file. */
  note(line: BookLine): Promise<void>
  /** All lines, read back from the file. */
  read(): Promise<readonly BookLine[]>
}

/**
 * Opens books: a file to which lines are only ever appended.
 *
 * @param path Where they are.
 */
export function openBooks(path: string): Books {
  let last: Promise<void> = Promise.resolve()
  return {
    path,
    note(line) {
      const text = `${JSON.stringify({ ...line, amount: line.amount.toString() })}\n`
      last = last.then(() => appendFile(path, text))
      return last
    },
    async read() {
      await last
      const text = await readFile(path, 'utf8').catch(() => '')
      return text
        .split('\n')
        .filter(Boolean)
        .map((line) => lineSchema.parse(JSON.parse(line)))
    },
  }
}
