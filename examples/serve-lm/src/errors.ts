/** Base of the answers that are no success, in the form of OpenAI's API: `{ error: { message, type, param, code } }`. */
export class ApiError extends Error {
  /** Status of the HTTP answer. */
  readonly status: number
  /** Stable; programs branch on it. */
  readonly code: string
  /** The field that is wrong, null where it is none in particular. */
  readonly param: string | null
  constructor(options: { status: number; code: string; message: string; param?: string | null }) {
    super(options.message)
    this.name = new.target.name
    this.status = options.status
    this.code = options.code
    this.param = options.param ?? null
  }

  get body(): { error: { message: string; type: string; param: string | null; code: string } } {
    const type = this.status < 500 ? 'invalid_request_error' : 'server_error'
    return { error: { message: this.message, type, param: this.param, code: this.code } }
  }
}

/** No such route. */
export class UnknownUrl extends ApiError {
  constructor(method: string, path: string) {
    super({ status: 404, code: 'unknown_url', message: `Unknown request URL: ${method} ${path}.` })
  }
}

/** The route knows another method only. */
export class MethodUnsupported extends ApiError {
  constructor(method: string, path: string, allowed: string) {
    super({
      status: 405,
      code: 'method_not_supported',
      message: `Not allowed to ${method} on ${path}; use ${allowed}.`,
    })
  }
}

/** The body is no JSON. */
export class BodyNotJson extends ApiError {
  constructor() {
    super({
      status: 400,
      code: 'invalid_json',
      message: 'The body of the request is not JSON. Send an object with the content type application/json.',
    })
  }
}

/** The body has more bytes than are read. */
export class BodyTooLarge extends ApiError {
  constructor(most: number) {
    super({
      status: 413,
      code: 'request_too_large',
      message: `The body of the request is larger than ${most} bytes.`,
    })
  }
}

/** A field has a value that is not allowed. */
export class FieldInvalid extends ApiError {
  constructor(param: string, problem: string) {
    super({ status: 400, code: 'invalid_value', param, message: `Invalid value for '${param}': ${problem}.` })
  }
}

/** A field that this server does not know. */
export class FieldUnknown extends ApiError {
  constructor(param: string) {
    super({ status: 400, code: 'unknown_parameter', param, message: `Unknown parameter: '${param}'.` })
  }
}

/** Another model is asked for than the one that is served. */
export class ModelNotFound extends ApiError {
  constructor(model: string) {
    super({
      status: 404,
      code: 'model_not_found',
      param: 'model',
      message: `The model '${model}' does not exist here. See /v1/models.`,
    })
  }
}

/** Prompt and answer together are longer than is served. */
export class ContextTooLong extends ApiError {
  constructor(param: string, tokens: { prompt: number; answer: number; most: number }) {
    super({
      status: 400,
      code: 'context_length_exceeded',
      param,
      message: `This server takes at most ${tokens.most} tokens; the prompt has ${tokens.prompt} and ${tokens.answer} are to be added.`,
    })
  }
}

/** As many requests are being answered as are answered at once. */
export class ServerBusy extends ApiError {
  constructor(most: number) {
    super({
      status: 429,
      code: 'rate_limit_exceeded',
      message: `${most} requests are being answered; try again in a moment.`,
    })
  }
}

/** What should not happen: the server's own failure, without its details. */
export class InternalError extends ApiError {
  constructor() {
    super({ status: 500, code: 'internal_error', message: 'The server failed to answer this request.' })
  }
}
