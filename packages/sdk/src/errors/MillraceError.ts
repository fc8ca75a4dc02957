/** What an error is made of. */
export interface MillraceErrorOptions {
  /** Stable name in capitals, `OFFER_EXPIRED`. Programs branch on it; it never changes. */
  readonly code: string
  /** One sentence: what happened, with the values seen and allowed. */
  readonly message: string
  /** What a person can do about it. */
  readonly remedy?: string | undefined
  /** Whether the same call may succeed later without any change. Default `false`. */
  readonly retryable?: boolean | undefined
  /** The values of the message, for programs. */
  readonly details?: Readonly<Record<string, unknown>> | undefined
  readonly cause?: unknown
}

/** Base of every error that Millrace throws on purpose. Anything else that escapes is a bug. */
export class MillraceError extends Error {
  override readonly name: string = 'MillraceError'
  /** Stable name in capitals; never changes between versions. */
  readonly code: string
  /** What a person can do about it. */
  readonly remedy: string | undefined
  /** Whether the same call may succeed later without any change. */
  readonly retryable: boolean
  /** The values of the message, for programs. */
  readonly details: Readonly<Record<string, unknown>>

  constructor(options: MillraceErrorOptions) {
    super(options.message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = options.code
    this.remedy = options.remedy
    this.retryable = options.retryable ?? false
    this.details = options.details ?? {}
  }

  /** Where the error is explained, relative to the repository. */
  get docs(): string {
    return `docs/errors.md#${this.code.toLowerCase()}`
  }
}
