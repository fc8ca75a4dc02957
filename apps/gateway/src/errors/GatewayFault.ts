/** How a fault is told apart from its siblings and shown to a caller. */
export interface FaultOptions {
  /** HTTP status of the answer. */
  readonly status: number
  /** Whether the same request may succeed later without a change. */
  readonly retryable?: boolean
  /** Values seen and allowed, for programs. Never keys or payloads. */
  readonly details?: Readonly<Record<string, unknown>>
  readonly cause?: unknown
}

/** Base of everything the gateway refuses or fails at. `code` never changes once published. */
export abstract class GatewayFault extends Error {
  readonly code: string
  readonly status: number
  readonly retryable: boolean
  readonly details: Readonly<Record<string, unknown>>

  constructor(code: string, message: string, options: FaultOptions) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = new.target.name
    this.code = code
    this.status = options.status
    this.retryable = options.retryable ?? false
    this.details = options.details ?? {}
  }
}
