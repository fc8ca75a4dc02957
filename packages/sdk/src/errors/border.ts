import { MillraceError } from './MillraceError.ts'

/** Data from outside does not have the form it must have. */
export class InvalidInputError extends MillraceError {
  override readonly name = 'InvalidInputError'
  static readonly code = 'INVALID_INPUT'
  constructor(options: { what: string; issues: readonly { path: string; message: string }[] }) {
    const shown = options.issues
      .slice(0, 5)
      .map(({ path, message }) => (path === '' ? message : `'${path}': ${message}`))
    const more = options.issues.length > 5 ? `; and ${options.issues.length - 5} more` : ''
    super({
      code: InvalidInputError.code,
      message: `The ${options.what} is not valid: ${shown.join('; ')}${more}.`,
      remedy: 'Correct the named fields.',
      details: { issues: options.issues },
    })
  }
}

/** A value has no canonical JSON: a cycle, a lone surrogate, a number that is not finite, or no JSON value at all. */
export class NotCanonicalError extends MillraceError {
  override readonly name = 'NotCanonicalError'
  static readonly code = 'NOT_CANONICAL'
  constructor(options: { path: string; reason: string }) {
    super({
      code: NotCanonicalError.code,
      message: `The value at '${options.path === '' ? '(top)' : options.path}' has no canonical JSON: ${options.reason}.`,
      remedy: 'Use only objects, arrays, strings, finite numbers, booleans and null.',
      details: options,
    })
  }
}
