import type { QueryField } from './fields.ts'
import { fieldNamed, Reader } from './parseQuery.ts'

/** One field to sort by. */
export interface QueryOrder {
  readonly field: QueryField
  readonly direction: 'ascending' | 'descending'
}

/**
 * Reads an order: fields joined by commas, `-` behind a field for descending.
 *
 * @param text At most 8 fields; the empty text is no order.
 * @returns The fields, the first one deciding first.
 * @throws QueryError with the position, and a similar field's name where there is one.
 * @example
 * parseOrder('price,num_gpus-')
 */
export function parseOrder(text: string): readonly QueryOrder[] {
  const reader: Reader = new Reader(text)
  const order: QueryOrder[] = []
  if (!reader.skipSpace()) return order
  for (;;) {
    const at = reader.position
    const name = reader.take(/[A-Za-z_][A-Za-z0-9_]*/y)
    if (name === undefined) reader.fail(`Expected a field to sort by, saw '${reader.rest(12)}'`, at)
    const field = fieldNamed(name, reader, at)
    if (order.some((other) => other.field === field)) reader.fail(`'${field}' is named twice`, at)
    order.push({ field, direction: reader.take(/-/y) === undefined ? 'ascending' : 'descending' })
    if (!reader.skipSpace()) return order
    const commaAt = reader.position
    if (reader.take(/,/y) === undefined)
      reader.fail(`Expected ',' between fields, saw '${reader.rest(12)}'`, commaAt)
    reader.skipSpace()
  }
}
