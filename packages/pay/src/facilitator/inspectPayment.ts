import { batchReasons } from '../batch/reasons.ts'
import { exactReasons } from '../exact/reasons.ts'
import { uptoReasons } from '../upto/reasons.ts'
import type { PaymentPayload, PaymentRequirements } from '../wire/x402.ts'
import type { Place } from './followSettlement.ts'
import type {
  Refusal,
  RefusalReason,
  SettleablePayment,
  SettlementScheme,
  SettlementSchemes,
} from './settleable.ts'

/** A payment that is right as far as can be told without a chain, and how and where it is settled. */
export interface Inspected {
  readonly type: 'right'
  readonly payment: SettleablePayment
  readonly scheme: SettlementScheme
  readonly place: Place
}

export type Inspect = (
  payment: PaymentPayload,
  requirements: PaymentRequirements,
  purpose: 'verify' | 'settle',
) => Inspected | Refusal

const networkReasons: Readonly<Record<string, RefusalReason>> = {
  upto: uptoReasons.network,
  'batch-settlement': batchReasons.network,
}

/** Makes the check of everything that needs no chain: the payment itself, and whether this facilitator settles it. */
export function createInspector(options: {
  readonly schemes: SettlementSchemes
  readonly places: ReadonlyMap<string, Place>
  /** Unix seconds. */
  readonly now: () => number
}): Inspect {
  const { schemes, places, now } = options
  return (payment, requirements, purpose) => {
    const scheme = schemes.get(requirements.scheme)
    if (scheme === undefined)
      return {
        type: 'refused',
        reason: exactReasons.scheme,
        message: `This facilitator does not settle by '${requirements.scheme}'.`,
        payer: null,
      }
    const verdict = scheme.inspect(payment, { requirements, now: now(), purpose })
    if (verdict.type === 'refused') return verdict
    const { network, asset } = requirements
    const place = places.get(network)
    const { payer, amount, sender } = verdict
    const refused = (reason: RefusalReason, message: string): Refusal => ({
      type: 'refused',
      reason,
      message,
      payer,
    })
    if (place === undefined)
      return refused(
        networkReasons[requirements.scheme] ?? exactReasons.network,
        `This facilitator does not settle on '${network}'.`,
      )
    const { assets, minimum = 0n, relayer } = place.chain
    const known = assets?.some((each) => each.toLowerCase() === asset.toLowerCase()) ?? true
    if (!known) return refused(exactReasons.foreignAsset, `This facilitator does not settle in '${asset}'.`)
    if (sender !== null && sender.toLowerCase() !== relayer.address.toLowerCase())
      return refused(
        uptoReasons.facilitator,
        `The payer lets '${sender}' settle; this facilitator sends from '${relayer.address}'.`,
      )
    if (amount > 0n && amount < minimum)
      return refused(
        exactReasons.minimum,
        `The payment is of ${amount} base units; this facilitator settles ${minimum} and more.`,
      )
    return { type: 'right', payment: verdict, scheme, place }
  }
}
