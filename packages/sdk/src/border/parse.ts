import type * as z from 'zod'
import { InvalidInputError } from '../errors/border.ts'

/**
 * Reads data from outside by a schema.
 *
 * @param schema What the data must look like.
 * @param value The data as it came.
 * @param what What it is, in a word or two, for the message: `offer`.
 * @returns The data in its inner form.
 * @throws InvalidInputError naming each wrong field.
 * @example
 * const spec = parse(specSchema, JSON.parse(text), 'spec')
 */
export function parse<schema extends z.ZodType>(
  schema: schema,
  value: unknown,
  what: string,
): z.output<schema> {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  throw new InvalidInputError({
    what,
    issues: result.error.issues.map(({ path, message }) => ({ path: path.map(String).join('.'), message })),
  })
}
