import { encodePaymentRequired, headerNames } from './headers.ts'
import { type Challenge, encodeChallenge } from './mpp.ts'
import type { PaymentRequired } from './x402.ts'
import { toV1Requirements } from './x402v1.ts'

/**
 * Says what is to be paid to every client at once: x402 v2 reads the header `PAYMENT-REQUIRED`, x402 v1 the body, MPP
 * the header `WWW-Authenticate`.
 *
 * @param required What can be paid, and how.
 * @param options Challenges of MPP for the same; another status than 402 where the request itself was wrong; further
 * headers.
 * @returns The answer. Its body holds those ways that x402 v1 can name, possibly none.
 * @throws HeaderTooLargeError if what is to be said does not fit into headers.
 * @example
 * return paymentRequiredResponse({ x402Version: 2, resource: { url }, accepts })
 */
export function paymentRequiredResponse(
  required: PaymentRequired,
  options: {
    readonly challenges?: readonly Challenge[]
    readonly status?: 400 | 402
    readonly headers?: Readonly<Record<string, string>>
  } = {},
): Response {
  const { challenges = [], status = 402, headers: further = {} } = options
  const headers = new Headers({
    'content-type': 'application/json',
    'cache-control': 'no-store',
    'access-control-expose-headers': 'PAYMENT-REQUIRED, WWW-Authenticate, PAYMENT-RESPONSE',
    [headerNames.required]: encodePaymentRequired(required),
    ...further,
  })
  for (const challenge of challenges) headers.append('WWW-Authenticate', encodeChallenge(challenge))
  const { error, resource, accepts } = required
  const body = {
    x402Version: 1,
    error: error ?? 'payment required',
    accepts: accepts.flatMap((each) => toV1Requirements(each, resource) ?? []),
  }
  return new Response(JSON.stringify(body), { status, headers })
}
