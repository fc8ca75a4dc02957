import { InvalidInputError } from '@millrace/sdk'
import { MillraceError } from '@millrace/sdk/errors'
import * as z from 'zod'
import { snapshotToJson } from '../ledger/channelBook.ts'
import { closeHeader } from '../ledger/closing.ts'
import { CloseRequestInvalidError, CloseSumError, CloseUnsupportedError } from '../ledger/errors.ts'
import { decodeHeader } from '../wire/base64.ts'
import { WireError } from '../wire/errors.ts'
import { problem, unavailable } from './problem.ts'
import type { SellerScheme } from './scheme.ts'

/**
 * Answers a request that asks for the end of a channel, whatever address it was sent to: with the payee's consent, or with why not.
 *
 * @param schemes Those by which the seller is paid.
 * @param header Content of `Millrace-Close`.
 * @returns 200 with the consent; 400, 404 or 409 with the reason; 503 where it is not known yet.
 */
export async function answerClosing(schemes: readonly SellerScheme[], header: string): Promise<Response> {
  try {
    const wish = decodeHeader(closeHeader, header, { schema: z.unknown() })
    const scheme = schemes.find(({ end }) => end !== undefined)
    if (scheme?.end === undefined) throw new CloseUnsupportedError()
    return Response.json(await scheme.end(wish), { headers: { 'cache-control': 'no-store' } })
  } catch (error) {
    if (!(error instanceof MillraceError)) throw error
    if (error.retryable) return unavailable(error)
    if (error instanceof CloseUnsupportedError) return problem(404, error)
    const isMalformed =
      error instanceof WireError ||
      error instanceof InvalidInputError ||
      error instanceof CloseRequestInvalidError
    if (isMalformed) return problem(400, error)
    if (!(error instanceof CloseSumError)) return problem(409, error)
    const { code, message, remedy, snapshot } = error
    const said = { error: { code, message, remedy }, channel: snapshotToJson(snapshot) }
    return Response.json(said, { status: 409, headers: { 'cache-control': 'no-store' } })
  }
}
