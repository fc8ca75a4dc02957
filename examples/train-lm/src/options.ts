import { OptionInvalid } from './errors.ts'

/** The value behind `--name` among the arguments, undefined where it is not given. */
export function argument(args: readonly string[], name: string): string | undefined {
  const at = args.indexOf(`--${name}`)
  return at < 0 ? undefined : (args[at + 1] ?? '')
}

/** A whole number within bounds. `fallback` where no text is given. @throws OptionInvalid */
export function wholeNumber(options: {
  readonly name: string
  readonly text: string | undefined
  readonly fallback: number
  readonly least: number
  readonly most: number
}): number {
  const { name, text, fallback, least, most } = options
  if (text === undefined || text === '') return fallback
  const value = Number(text)
  if (Number.isSafeInteger(value) && value >= least && value <= most) return value
  throw new OptionInvalid(name, text, `a whole number from ${least} to ${most}`)
}
