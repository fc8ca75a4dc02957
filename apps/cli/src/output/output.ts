import { inspect } from 'node:util'

/** Where a command writes. People read text on stdout; programs read JSON there; progress goes to stderr. */
export interface Output {
  readonly json: boolean
  /** A line for people; nothing in JSON mode. */
  line(text?: string): void
  /** A passing remark for people, on stderr in both modes. */
  note(text: string): void
  /** The command's result: JSON mode prints it as one object, text mode prints `text`. */
  result(value: unknown, text: string): void
  /** One object of a stream, JSON mode only. */
  event(value: unknown): void
}

/** JSON of a value: amounts as decimal strings. */
export const toJson = (value: unknown): string =>
  JSON.stringify(value, (_, item: unknown) => (typeof item === 'bigint' ? item.toString() : item))

export function createOutput(json: boolean): Output {
  const write = (text: string) => process.stdout.write(`${text}\n`)
  return {
    json,
    line: (text = '') => {
      if (!json) write(text)
    },
    note: (text) => process.stderr.write(`${text}\n`),
    result: (value, text) => write(json ? toJson(value) : text),
    event: (value) => {
      if (json) write(toJson(value))
    },
  }
}

export const describeUnknown = (error: unknown): string =>
  error instanceof Error ? error.message : inspect(error, { depth: 1, breakLength: Number.POSITIVE_INFINITY })
