import { MillraceError } from '@millrace/sdk/errors'

/** Base of the answers of a model gateway that are no success. */
export class ModelCallError extends MillraceError {
  override readonly name: string = 'ModelCallError'
  /** Status of the HTTP answer. */
  readonly status: number
  /** The field of the request that is wrong, null where it is none in particular. */
  readonly param: string | null

  constructor(options: {
    code: string
    status: number
    message: string
    remedy?: string
    param?: string | null
    retryable?: boolean
    details?: Readonly<Record<string, unknown>>
    cause?: unknown
  }) {
    super(options)
    this.status = options.status
    this.param = options.param ?? null
  }
}

/** No such route of the API is sold here. */
export class UrlUnknownError extends ModelCallError {
  override readonly name = 'UrlUnknownError'
  static readonly code = 'UNKNOWN_URL'
  constructor(options: { method: string; path: string }) {
    super({
      code: UrlUnknownError.code,
      status: 404,
      message: `Unknown request URL: ${options.method} ${options.path}.`,
      remedy: 'Use /v1/models, /v1/completions, /v1/chat/completions or /v1/embeddings.',
      details: options,
    })
  }
}

/** The route knows another method only. */
export class MethodUnsupportedError extends ModelCallError {
  override readonly name = 'MethodUnsupportedError'
  static readonly code = 'METHOD_NOT_SUPPORTED'
  constructor(options: { method: string; path: string; allowed: string }) {
    super({
      code: MethodUnsupportedError.code,
      status: 405,
      message: `Not allowed to ${options.method} on ${options.path}; allowed is ${options.allowed}.`,
      remedy: 'Use the allowed method.',
      details: options,
    })
  }
}

/** The body of a request to a model is no JSON object. */
export class BodyInvalidError extends ModelCallError {
  override readonly name = 'BodyInvalidError'
  static readonly code = 'INVALID_JSON'
  constructor(options: { cause?: unknown } = {}) {
    super({
      code: BodyInvalidError.code,
      status: 400,
      message: 'The body of the request is not a JSON object.',
      remedy: 'Send a JSON object in UTF-8.',
      ...options,
    })
  }
}

/** The body of a request to a model has more bytes than are read. */
export class BodyTooLargeError extends ModelCallError {
  override readonly name = 'BodyTooLargeError'
  static readonly code = 'REQUEST_TOO_LARGE'
  constructor(options: { most: number }) {
    super({
      code: BodyTooLargeError.code,
      status: 413,
      message: `The body of the request is larger than ${options.most} bytes.`,
      remedy: 'Shorten the prompt.',
      details: options,
    })
  }
}

/** A field of a request to a model has a value that is not allowed. */
export class FieldInvalidError extends ModelCallError {
  override readonly name = 'FieldInvalidError'
  static readonly code = 'INVALID_VALUE'
  constructor(options: { param: string; problem: string }) {
    super({
      code: FieldInvalidError.code,
      status: 400,
      param: options.param,
      message: `Invalid value for '${options.param}': ${options.problem}.`,
      remedy: 'Correct the field.',
      details: options,
    })
  }
}

/** A field that the gateway does not know, and so cannot price. */
export class FieldUnknownError extends ModelCallError {
  override readonly name = 'FieldUnknownError'
  static readonly code = 'UNKNOWN_PARAMETER'
  constructor(options: { param: string }) {
    super({
      code: FieldUnknownError.code,
      status: 400,
      param: options.param,
      message: `Unknown parameter: '${options.param}'.`,
      remedy: 'Leave the field out: what is not known cannot be priced.',
      details: options,
    })
  }
}

/** The model is not sold here. */
export class ModelUnknownError extends ModelCallError {
  override readonly name = 'ModelUnknownError'
  static readonly code = 'MODEL_NOT_FOUND'
  constructor(options: { model: string; route: string }) {
    super({
      code: ModelUnknownError.code,
      status: 404,
      param: 'model',
      message: `The model '${options.model}' is not sold at ${options.route}.`,
      remedy: 'Choose one of those that /v1/models lists.',
      details: options,
    })
  }
}

/** More output tokens are asked for than the model is sold with. */
export class OutputTooLongError extends ModelCallError {
  override readonly name = 'OutputTooLongError'
  static readonly code = 'MAX_TOKENS_TOO_LARGE'
  constructor(options: { param: string; asked: number; most: number }) {
    super({
      code: OutputTooLongError.code,
      status: 400,
      param: options.param,
      message: `'${options.param}' is ${options.asked}; this model is sold with at most ${options.most} output tokens an answer.`,
      remedy: 'Ask for fewer tokens.',
      details: options,
    })
  }
}

/** The upstream could not be reached, or broke the connection before its answer. */
export class UpstreamUnreachableError extends ModelCallError {
  override readonly name = 'UpstreamUnreachableError'
  static readonly code = 'UPSTREAM_UNREACHABLE'
  constructor(options: { cause?: unknown } = {}) {
    super({
      code: UpstreamUnreachableError.code,
      status: 502,
      message: 'The model behind this gateway cannot be reached.',
      remedy: 'Try again later; only what was delivered is charged.',
      retryable: true,
      ...options,
    })
  }
}

/** The upstream sent nothing for too long. */
export class UpstreamTimeoutError extends ModelCallError {
  override readonly name = 'UpstreamTimeoutError'
  static readonly code = 'UPSTREAM_TIMEOUT'
  constructor(options: { afterMs: number }) {
    super({
      code: UpstreamTimeoutError.code,
      status: 504,
      message: `The model behind this gateway sent nothing for ${options.afterMs} ms.`,
      remedy: 'Try again later; only what was delivered is charged.',
      retryable: true,
      details: options,
    })
  }
}

/** The upstream refused the request. */
export class UpstreamRefusedError extends ModelCallError {
  override readonly name = 'UpstreamRefusedError'
  static readonly code = 'UPSTREAM_REFUSED'
  constructor(options: { status: number; reason: string; param: string | null }) {
    const ours = options.status === 400 || options.status === 422 || options.status === 429
    super({
      code: UpstreamRefusedError.code,
      // Its 401, 403 and 404 are about the seller's own account with it, and no fault of the caller.
      status: ours ? options.status : 502,
      param: options.param,
      message: `The model behind this gateway refused the request with status ${options.status}: ${options.reason}`,
      remedy:
        'Correct the request where the reason names a field; otherwise try again later. Nothing is charged.',
      retryable: options.status === 429 || options.status >= 500,
      details: options,
    })
  }
}

/** The upstream's answer is not what its API promises. */
export class UpstreamAnswerInvalidError extends ModelCallError {
  override readonly name = 'UpstreamAnswerInvalidError'
  static readonly code = 'UPSTREAM_ANSWER_INVALID'
  constructor(options: { problem: string }) {
    super({
      code: UpstreamAnswerInvalidError.code,
      status: 502,
      message: `The answer of the model behind this gateway is not valid: ${options.problem}.`,
      remedy: 'Try again later; only what was delivered is charged.',
      retryable: true,
      details: options,
    })
  }
}

/** The upstream's answer ended before it was complete. */
export class UpstreamCutError extends ModelCallError {
  override readonly name = 'UpstreamCutError'
  static readonly code = 'UPSTREAM_CUT'
  constructor(options: { cause?: unknown } = {}) {
    super({
      code: UpstreamCutError.code,
      status: 502,
      message: 'The answer of the model behind this gateway was cut off.',
      remedy: 'Try again; only what was delivered is charged.',
      retryable: true,
      ...options,
    })
  }
}

/** The money that was reserved pays for no more of the answer. */
export class MoneyStoppedError extends ModelCallError {
  override readonly name = 'MoneyStoppedError'
  static readonly code = 'PAYMENT_EXHAUSTED'
  constructor(options: { reserved: bigint; output: number }) {
    super({
      code: MoneyStoppedError.code,
      status: 402,
      message: `The payment of ${options.reserved} base units ends after ${options.output} output tokens.`,
      remedy: 'Pay the whole quote, or ask for fewer tokens.',
      details: options,
    })
  }
}

/** The same call is being answered already. */
export class CallInFlightError extends ModelCallError {
  override readonly name = 'CallInFlightError'
  static readonly code = 'IDEMPOTENT_CALL_IN_FLIGHT'
  constructor(options: { key: string }) {
    super({
      code: CallInFlightError.code,
      status: 409,
      message: `A call with the idempotency key '${options.key}' is being answered.`,
      remedy: 'Wait for its answer, or repeat the call later with the same key: it is not charged twice.',
      retryable: true,
      details: options,
    })
  }
}

/** What was charged could not be settled, so the answer is withheld. */
export class SettlementFailedError extends ModelCallError {
  override readonly name = 'SettlementFailedError'
  static readonly code = 'SETTLEMENT_FAILED'
  constructor(options: { reason: string; cause?: unknown }) {
    super({
      code: SettlementFailedError.code,
      status: 402,
      message: `The payment could not be settled: ${options.reason}.`,
      remedy: 'Repeat the call with the same idempotency key and a new payment.',
      retryable: true,
      details: { reason: options.reason },
      cause: options.cause,
    })
  }
}
