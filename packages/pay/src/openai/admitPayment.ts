import { MillraceError } from '@millrace/sdk/errors'
import type { PaidRequest, Price, Reservation, SellerScheme } from '../seller/scheme.ts'
import {
  type PaymentRequired,
  type PaymentRequirements,
  paymentPayloadSchema,
  type ResourceInfo,
} from '../wire/x402.ts'

/** Whether a request may be answered: money is held for it, or it is told what to pay. */
export type Admission =
  | { readonly type: 'held'; readonly reservation: Reservation }
  | { readonly type: 'unpaid'; readonly required: PaymentRequired }

/**
 * Reads the payment of a request and holds it by the scheme that it names.
 *
 * @param options The schemes, the price, the request with its header `PAYMENT-SIGNATURE`, and what is paid for.
 */
export async function admitPayment(options: {
  readonly schemes: readonly SellerScheme[]
  readonly price: Price
  readonly request: PaidRequest
  readonly header: string | null
  readonly resource: ResourceInfo
}): Promise<Admission> {
  const { schemes, price, request, header, resource } = options
  const offers = await Promise.all(
    schemes.map(async (scheme) => ({ scheme, accepts: await scheme.requirements(price, request) })),
  )
  const accepts = offers.flatMap((offer) => offer.accepts)
  const refuse = (error: string): Admission => ({
    type: 'unpaid',
    required: { x402Version: 2, error, resource, accepts },
  })
  if (header === null) return refuse('payment required')
  const payment = paymentPayloadSchema.safeParse(readBase64(header))
  if (!payment.success) return refuse('invalid_payload')
  const { accepted } = payment.data
  for (const { scheme, accepts } of offers) {
    const requirements = accepts.find((offered) => isSame(offered, accepted))
    if (requirements === undefined) continue
    try {
      return { type: 'held', reservation: await scheme.reserve(payment.data, { requirements, request }) }
    } catch (error) {
      if (error instanceof MillraceError) return refuse(error.code.toLowerCase())
      throw error
    }
  }
  return refuse('no_matching_requirements')
}

const isSame = (a: PaymentRequirements, b: PaymentRequirements) =>
  a.scheme === b.scheme &&
  a.network === b.network &&
  a.amount === b.amount &&
  a.asset.toLowerCase() === b.asset.toLowerCase() &&
  a.payTo.toLowerCase() === b.payTo.toLowerCase()

function readBase64(header: string): unknown {
  try {
    return JSON.parse(Buffer.from(header, 'base64').toString('utf8'))
  } catch {
    return null
  }
}
