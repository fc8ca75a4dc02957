import { MillraceError } from '@millrace/sdk/errors'
import { ModelCallError } from './errors.ts'

/** An error in the form of OpenAI's API. */
export interface ErrorBody {
  readonly error: {
    readonly message: string
    readonly type: string
    readonly param: string | null
    readonly code: string
  }
}

/** Status and body of a failure; what is not ours is told without its details. */
export function errorBody(error: unknown): { readonly status: number; readonly body: ErrorBody } {
  if (!(error instanceof MillraceError)) {
    return bodyOf(500, 'INTERNAL_ERROR', 'The gateway failed to answer this request.', null)
  }
  const { status, param } =
    error instanceof ModelCallError ? error : { status: error.retryable ? 503 : 500, param: null }
  const message = error.remedy === undefined ? error.message : `${error.message} ${error.remedy}`
  return bodyOf(status, error.code, message, param)
}

function bodyOf(status: number, code: string, message: string, param: string | null) {
  const type = status === 402 ? 'payment_required' : status < 500 ? 'invalid_request_error' : 'server_error'
  return { status, body: { error: { message, type, param, code: code.toLowerCase() } } }
}
