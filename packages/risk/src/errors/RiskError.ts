/** What an error of this package is made of. */
export interface RiskErrorOptions {
  /** Stable name in capitals. Programs branch on it; it never changes. */
  readonly code: string
  /** One sentence: what happened, with the values seen and allowed. */
  readonly message: string
  /** What a person can do about it. */
  readonly remedy: string
  /** The values of the message, for programs. */
  readonly details?: Readonly<Record<string, unknown>>
}

/**
 * Base of every error that this package throws on purpose. It has the fields of `MillraceError` and stands alone,
 * because the package has no dependencies.
 */
export class RiskError extends Error {
  override readonly name: string = 'RiskError'
  /** Stable name in capitals; never changes between versions. */
  readonly code: string
  /** What a person can do about it. */
  readonly remedy: string
  /** Whether the same call may succeed later without any change: never here, where all is computation. */
  readonly retryable = false
  /** The values of the message, for programs. */
  readonly details: Readonly<Record<string, unknown>>

  constructor(options: RiskErrorOptions) {
    super(options.message)
    this.code = options.code
    this.remedy = options.remedy
    this.details = options.details ?? {}
  }

  /** Where the error is explained, relative to the repository. */
  get docs(): string {
    return `docs/errors.md#${this.code.toLowerCase()}`
  }
}

/** A number is not one of those that a formula is defined for. */
export class ParameterError extends RiskError {
  override readonly name = 'ParameterError'
  constructor(options: { readonly parameter: string; readonly value: unknown; readonly allowed: string }) {
    super({
      code: 'RISK_PARAMETER',
      message: `The ${options.parameter} is "${options.value}"; it must be ${options.allowed}.`,
      remedy: 'Pass a value in the unit and the range that the function names.',
      details: options,
    })
  }
}

/** A matrix is not square, not symmetric or not positive definite, or does not fit what it is multiplied with. */
export class MatrixError extends RiskError {
  override readonly name = 'MatrixError'
  constructor(options: { readonly matrix: string; readonly problem: string }) {
    super({
      code: 'RISK_MATRIX',
      message: `The ${options.matrix} ${options.problem}.`,
      remedy: 'Estimate it from more observations than it has columns, or shrink it towards its diagonal.',
      details: options,
    })
  }
}
