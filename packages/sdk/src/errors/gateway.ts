import { MillraceError } from './MillraceError.ts'

/** A gateway refused a request or failed at it. `code` is the gateway's own. */
export class GatewayError extends MillraceError {
  override readonly name = 'GatewayError'
  /** HTTP status of the answer. */
  readonly status: number
  /** Seconds after which to try again, where the gateway said so. */
  readonly retryAfter: number | undefined
  constructor(options: {
    url: string
    status: number
    code: string
    message: string
    details: Readonly<Record<string, unknown>>
    retryAfter: number | undefined
  }) {
    super({
      code: options.code,
      message: options.message,
      remedy: options.status === 429 ? 'Ask less often.' : undefined,
      retryable: options.status === 429 || options.status >= 500,
      details: { ...options.details, url: options.url, status: options.status },
    })
    this.status = options.status
    this.retryAfter = options.retryAfter
  }
}

/** A gateway cannot be reached, or did not answer in time. */
export class GatewayUnreachableError extends MillraceError {
  override readonly name = 'GatewayUnreachableError'
  static readonly code = 'GATEWAY_UNREACHABLE'
  constructor(options: { url: string; reason: string; cause?: unknown }) {
    super({
      code: GatewayUnreachableError.code,
      message: `The gateway did not answer '${options.url}': ${options.reason}.`,
      remedy: 'Check the address of the gateway and that it runs, or use another one.',
      retryable: true,
      details: { url: options.url, reason: options.reason },
      cause: options.cause,
    })
  }
}

/** What answered is no gateway of this version. */
export class GatewayAnswerError extends MillraceError {
  override readonly name = 'GatewayAnswerError'
  static readonly code = 'GATEWAY_ANSWER'
  constructor(options: { url: string; reason: string; cause?: unknown }) {
    super({
      code: GatewayAnswerError.code,
      message: `The answer to '${options.url}' is not one of a gateway: ${options.reason}.`,
      remedy: 'Check the address, and that both sides have the same version.',
      details: { url: options.url, reason: options.reason },
      cause: options.cause,
    })
  }
}
