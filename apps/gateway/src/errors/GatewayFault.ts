import { MillraceError } from '@millrace/sdk'

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
export abstract class GatewayFault extends MillraceError {
  override readonly name: string = this.constructor.name
  /** HTTP status of the answer. */
  readonly status: number

  constructor(code: string, message: string, options: FaultOptions) {
    super({ code, message, retryable: options.retryable, details: options.details, cause: options.cause })
    this.status = options.status
  }
}
