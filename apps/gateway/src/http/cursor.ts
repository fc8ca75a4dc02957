import { z } from 'zod'
import type { SearchPlace } from '../search/SearchIndex.ts'
import { CursorInvalid } from './errors.ts'

const searchCursor = z.strictObject({
  o: z.string(),
  v: z.array(z.union([z.string(), z.number(), z.null()])).max(32),
  id: z.templateLiteral(['0x', z.string().regex(/^[0-9a-f]{64}$/)]),
})

/** Writes where a page ended. `order` is the text of the order, so that a cursor is not used with another. */
export function writeCursor(place: SearchPlace, order: string): string {
  return Buffer.from(JSON.stringify({ o: order, v: place.values, id: place.id })).toString('base64url')
}

/**
 * Reads a cursor of `writeCursor`.
 * @throws CursorInvalid
 */
export function readCursor(cursor: string, order: string): SearchPlace {
  let value: unknown
  try {
    value = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'))
  } catch {
    throw new CursorInvalid()
  }
  const read = searchCursor.safeParse(value)
  if (!read.success || read.data.o !== order) throw new CursorInvalid()
  return { values: read.data.v, id: read.data.id }
}
