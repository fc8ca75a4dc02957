import { MillraceError } from '@millrace/sdk'
import { databaseFault } from '../database/databaseFault.ts'
import { GatewayFault } from '../errors/GatewayFault.ts'
import { Internal } from './errors.ts'

/** Status of the SDK's errors that reach HTTP; what is not named here is well-formed and refused: 422. */
const statuses: Readonly<Record<string, number>> = {
  INVALID_INPUT: 400,
  QUERY_INVALID: 400,
  NOT_CANONICAL: 400,
}

/** An error as the caller is answered. */
export interface FaultAnswer {
  readonly status: number
  readonly body: {
    readonly error: { readonly code: string; readonly message: string; readonly details: object }
  }
  /** The error that is answered. */
  readonly error: MillraceError
}

/** Turns whatever was thrown into an answer; what was not thrown on purpose says no more than its number. */
export function toFault(thrown: unknown, request: string): FaultAnswer {
  const error =
    thrown instanceof MillraceError ? thrown : (databaseFault(thrown) ?? new Internal(request, thrown))
  const status = error instanceof GatewayFault ? error.status : (statuses[error.code] ?? 422)
  return { status, body: errorBody(error), error }
}

/** An error in JSON. */
export function errorBody(error: MillraceError) {
  return { error: { code: error.code, message: error.message, details: jsonable(error.details) } }
}

/** Details with bigints as decimal strings. */
function jsonable(details: object): Record<string, unknown> {
  return JSON.parse(
    JSON.stringify(details, (_, value) => (typeof value === 'bigint' ? value.toString() : value)),
  ) as Record<string, unknown>
}
