import { decodePaymentPayload, headerNames } from '../wire/headers.ts'
import { decodeCredential } from '../wire/mpp.ts'
import { networkOfV1 } from '../wire/networks.ts'
import type { PaymentPayload, PaymentRequirements } from '../wire/x402.ts'
import { decodeV1Payload, v1HeaderNames } from '../wire/x402v1.ts'
import { PaymentRefusedError } from './errors.ts'
import { type MppOptions, mppPayment } from './mppCharge.ts'

/** In which protocol a request was paid, and is answered. */
export type Dialect = 'x402v2' | 'x402v1' | 'mpp'

export interface ReadPayment {
  readonly dialect: Dialect
  readonly payment: PaymentPayload
  /** The entry of `accepts` that it pays. */
  readonly requirements: PaymentRequirements
}

/**
 * Reads the payment of a request, in whichever protocol it is, and finds what it pays.
 *
 * @returns null if there is none.
 * @throws WireError if a header is malformed; PaymentRefusedError if it pays nothing that was asked for.
 */
export async function readPayment(
  headers: Pick<Headers, 'get'>,
  options: {
    readonly accepts: readonly PaymentRequirements[]
    readonly now: number
    readonly mpp?: MppOptions | undefined
  },
): Promise<ReadPayment | null> {
  const { accepts, mpp, now } = options
  const v2 = headers.get(headerNames.payment)
  if (v2 !== null) {
    const payment = decodePaymentPayload(v2)
    return { dialect: 'x402v2', payment, requirements: match(accepts, payment.accepted) }
  }
  const v1 = headers.get(v1HeaderNames.payment)
  if (v1 !== null) {
    const { scheme, network: name, payload } = decodeV1Payload(v1)
    const network = networkOfV1(name)
    // v1 does not say which entry is paid. The signature is over the token's domain, so at most one can be right.
    const candidates = accepts.filter((each) => each.scheme === scheme && each.network === network)
    const [requirements] = candidates
    if (requirements === undefined) throw noMatch()
    return { dialect: 'x402v1', payment: { x402Version: 2, accepted: requirements, payload }, requirements }
  }
  const authorization = headers.get('authorization')
  if (mpp === undefined || authorization === null || !/^\s*Payment\s/i.test(authorization)) return null
  const payment = await mppPayment(decodeCredential(authorization), { ...mpp, accepts, now })
  if (payment === null) throw noMatch()
  return { dialect: 'mpp', payment, requirements: payment.accepted }
}

const noMatch = () =>
  new PaymentRefusedError({
    reason: 'no_matching_requirements',
    message: 'It pays none of the ways that this resource accepts.',
  })

function match(accepts: readonly PaymentRequirements[], accepted: PaymentRequirements): PaymentRequirements {
  const found = accepts.find(
    (each) =>
      each.scheme === accepted.scheme &&
      each.network === accepted.network &&
      each.amount === accepted.amount &&
      each.asset.toLowerCase() === accepted.asset.toLowerCase() &&
      each.payTo.toLowerCase() === accepted.payTo.toLowerCase() &&
      // What grows while the answer streams is part of the price.
      JSON.stringify(each.extra?.metered) === JSON.stringify(accepted.extra?.metered),
  )
  if (found === undefined) throw noMatch()
  return found
}
