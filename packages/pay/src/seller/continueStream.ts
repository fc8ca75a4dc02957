import { MillraceError } from '@millrace/sdk/errors'
import { WireError } from '../wire/errors.ts'
import { decodePaymentPayload, headerNames } from '../wire/headers.ts'
import { paymentRequiredResponse } from '../wire/paymentRequiredResponse.ts'
import { PaymentRefusedError, StreamUnknownError } from './errors.ts'
import type { PaidStream, Streams } from './openStreams.ts'
import { problem, unavailable } from './problem.ts'

/** What is said of an answer that streams. Amounts in base units. */
export interface StreamReport {
  readonly used: string
  readonly held: string
  /** Null while it streams. */
  readonly ended: 'complete' | 'money_ran_out' | 'broke_off' | 'left' | null
}

/**
 * Answers a request about an answer that streams: takes the further payment that it brings, if it brings one, and says how far
 * the answer is. Once it is over, its receipt is in the headers.
 */
export async function continueStream(streams: Streams, request: Request, id: string): Promise<Response> {
  const stream = streams.find(id)
  if (stream === undefined) return problem(404, new StreamUnknownError({ stream: id }))
  const { url } = request
  const header = request.headers.get(headerNames.payment)
  if (header === null) return report(stream)
  const refuse = (error: string, requirements = stream.requirements, status: 400 | 402 = 402) =>
    paymentRequiredResponse({ x402Version: 2, error, resource: { url }, accepts: [requirements] }, { status })
  try {
    const payment = decodePaymentPayload(header)
    if (stream.scheme.accept === undefined || payment.accepted.scheme !== stream.requirements.scheme)
      throw new PaymentRefusedError({ reason: 'no_matching_requirements' })
    await stream.scheme.accept(payment)
    return report(stream)
  } catch (error) {
    if (error instanceof WireError) return refuse(error.code.toLowerCase(), stream.requirements, 400)
    if (error instanceof PaymentRefusedError) return refuse(error.reason)
    if (!(error instanceof MillraceError)) throw error
    if (error.retryable) return unavailable(error)
    const { requirements, scheme } = stream
    return refuse(error.code.toLowerCase(), scheme.explain?.(error, requirements) ?? requirements)
  }
}

function report({ state, settled }: PaidStream): Response {
  const { used, held, ended } = state()
  const said: StreamReport = { used: used.toString(), held: held.toString(), ended }
  const headers = new Headers(settled ?? {})
  headers.set('content-type', 'application/json')
  headers.set('cache-control', 'no-store')
  return new Response(JSON.stringify(said), { headers })
}
