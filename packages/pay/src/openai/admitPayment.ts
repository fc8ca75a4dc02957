import { MillraceError } from '@millrace/sdk/errors'
import { PaymentRefusedError } from '../seller/errors.ts'
import { findWays } from '../seller/findWays.ts'
import { type MppOptions, mppChallenges } from '../seller/mppCharge.ts'
import { type Dialect, type ReadPayment, readPayment } from '../seller/readPayment.ts'
import type { PaidRequest, Price, Reservation, SellerScheme } from '../seller/scheme.ts'
import { settledAlone } from '../seller/settledAlone.ts'
import { WireError } from '../wire/errors.ts'
import { decodeSettleResponse, headerNames } from '../wire/headers.ts'
import { encodePaymentReceipt } from '../wire/mpp.ts'
import { paymentRequiredResponse } from '../wire/paymentRequiredResponse.ts'
import type { PaymentRequirements, ResourceInfo } from '../wire/x402.ts'
import { encodeV1SettleResponse, v1HeaderNames } from '../wire/x402v1.ts'
import type { OncePayment } from './openKeptCalls.ts'

/** Whether a request may be answered: money is held for it, or it is told what to pay. */
export type Admission =
  | {
      readonly type: 'held'
      /** The disk may not have it yet: nothing is given out before its `kept`. */
      readonly reservation: Reservation
      readonly dialect: Dialect
      readonly requirements: PaymentRequirements
      /** The payment, where it is settled once; null where what is held is charged whatever happens next, a crash included. */
      readonly once: OncePayment | null
    }
  /** Also where the payment buys nothing, such as the wish for a refund. */
  | { readonly type: 'unpaid'; readonly response: Response }

/**
 * Reads the payment of a request, in x402 v2, x402 v1 or MPP, and holds it by the scheme that it names.
 *
 * @param options The schemes, the price, the request with its headers, what is paid for, and the time in Unix seconds.
 * @throws MillraceError that is retryable, where it is not known whether the payment is good.
 */
export async function admitPayment(options: {
  readonly schemes: readonly SellerScheme[]
  readonly price: Price
  readonly request: PaidRequest
  readonly headers: Pick<Headers, 'get'>
  readonly resource: ResourceInfo
  readonly mpp: MppOptions | undefined
  readonly now: number
}): Promise<Admission> {
  const { schemes, price, request, headers, resource, mpp, now } = options
  const { accepts, extensions } = await findWays(schemes, price, request)

  async function refuse(
    error: string,
    entries: readonly PaymentRequirements[] = accepts,
    status: 400 | 402 = 402,
  ): Promise<Admission> {
    const challenges = mpp === undefined ? [] : await mppChallenges(entries, { ...mpp, now })
    const further = Object.keys(extensions).length === 0 ? {} : { extensions }
    const required = { x402Version: 2 as const, error, resource, accepts: [...entries], ...further }
    const said = paymentRequiredResponse(required, { challenges, status })
    const message = `This call must be paid: ${error}. The header ${headerNames.required} says how.`
    const body = { error: { message, type: 'payment_required', param: null, code: error } }
    // What a client of OpenAI's API reads, and what one of x402 v1 does.
    const whole = JSON.stringify({ ...((await said.json()) as object), ...body })
    return { type: 'unpaid', response: new Response(whole, { status, headers: said.headers }) }
  }

  let read: ReadPayment | null
  try {
    read = await readPayment(headers, { accepts, mpp, now })
  } catch (error) {
    if (error instanceof WireError) return refuse(error.code.toLowerCase(), accepts, 400)
    if (error instanceof PaymentRefusedError) return refuse(error.reason)
    throw error
  }
  if (read === null) return refuse('payment required')
  const { payment, requirements, dialect } = read
  const scheme = schemes.find((each) => each.scheme === requirements.scheme)
  if (scheme === undefined) return refuse('unsupported_scheme')
  try {
    const alone = await scheme.settleAlone?.(payment, { requirements })
    if (alone != null) return { type: 'unpaid', response: settledAlone(alone) }
    const reservation = await scheme.reserve(payment, { requirements, request, ahead: true })
    const isOnce = (scheme.paymentKey?.(payment) ?? null) !== null
    const once = isOnce ? { payment, requirements } : null
    return { type: 'held', reservation, dialect, requirements, once }
  } catch (error) {
    if (!(error instanceof MillraceError) || error.retryable) throw error
    const entries = accepts.map((each) =>
      each.scheme === scheme.scheme ? (scheme.explain?.(error, each) ?? each) : each,
    )
    return refuse(error instanceof PaymentRefusedError ? error.reason : error.code.toLowerCase(), entries)
  }
}

/** The same answer, with its receipt as the payer's protocol has it; one in a stream stays as it is. */
export function answerIn(dialect: Dialect, response: Response, { now }: { readonly now: number }): Response {
  const receipt = response.headers.get(headerNames.response)
  if (dialect === 'x402v2' || receipt === null) return response
  const settled = decodeSettleResponse(receipt)
  response.headers.delete(headerNames.response)
  if (dialect === 'x402v1') response.headers.set(v1HeaderNames.response, encodeV1SettleResponse(settled))
  else {
    const timestamp = new Date(now * 1000).toISOString()
    const reference = settled.transaction
    response.headers.set(
      'Payment-Receipt',
      encodePaymentReceipt({ status: 'success', method: 'evm', timestamp, reference }),
    )
  }
  return response
}
