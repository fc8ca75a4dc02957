import type { Curve } from '../curve/openCurve.ts'
import { type ExactReason, type ExactRefusal, exactReasons } from '../exact/reasons.ts'
import { createExactVerifier, type ExactPayment } from '../exact/verifyExact.ts'
import type { PaymentPayload, PaymentRequirements } from '../wire/x402.ts'
import type { Place } from './followSettlement.ts'

/** A payment that is right as far as can be told without a chain, and where it is settled. */
export interface Inspected {
  readonly type: 'right'
  readonly payment: ExactPayment
  readonly place: Place
}

export type Inspect = (payment: PaymentPayload, requirements: PaymentRequirements) => Inspected | ExactRefusal

/** Makes the check of everything that needs no chain: the payment itself, and whether this facilitator settles it. */
export function createInspector(options: {
  readonly curve: Curve
  readonly places: ReadonlyMap<string, Place>
  /** Unix seconds. */
  readonly now: () => number
}): Inspect {
  const { curve, places, now } = options
  const verifyExact = createExactVerifier(curve)
  return (payment, requirements) => {
    const verdict = verifyExact(payment, { requirements, now: now() })
    if (verdict.type === 'refused') return verdict
    const { network, asset } = requirements
    const place = places.get(network)
    const { from: payer, value } = verdict.authorization
    const refused = (reason: ExactReason, message: string): ExactRefusal => ({
      type: 'refused',
      reason,
      message,
      payer,
    })
    if (place === undefined)
      return refused(exactReasons.network, `This facilitator does not settle on '${network}'.`)
    const { assets, minimum = 0n } = place.chain
    const known = assets?.some((each) => each.toLowerCase() === asset.toLowerCase()) ?? true
    if (!known) return refused(exactReasons.foreignAsset, `This facilitator does not settle in '${asset}'.`)
    if (value < minimum)
      return refused(
        exactReasons.minimum,
        `The payment is of ${value} base units; this facilitator settles ${minimum} and more.`,
      )
    return { type: 'right', payment: verdict, place }
  }
}
