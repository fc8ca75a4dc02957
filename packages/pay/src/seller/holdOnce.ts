import type { Address } from 'viem'
import { exactReasons } from '../exact/reasons.ts'
import { identify } from '../facilitator/identify.ts'
import type { Facilitator } from '../facilitator/openFacilitator.ts'
import type { Refusal, RefusalReason } from '../facilitator/settleable.ts'
import type { PaymentPayload, PaymentRequirements, SettleResponse } from '../wire/x402.ts'
import { PaymentRefusedError, SettlementPendingError } from './errors.ts'
import type { Reservation } from './scheme.ts'

/** How long a payment is remembered here, in seconds; far longer than a chain takes to show it. */
const heldSeconds = 3600

/** A payment that is right as far as can be told without a chain. */
export interface RightPayment {
  readonly type: 'right'
  readonly payer: Address
  readonly ceiling: bigint
  /** What to settle where `amount` is charged. Throws CaptureExceedsError. */
  charge(amount: bigint): PaymentRequirements
}

/** Holds payments that buy one call each and are settled by a facilitator after it. */
export interface OnceHolder {
  /** As in `SellerScheme`. */
  paymentKey(payment: PaymentPayload): string | null
  /**
   * As in `SellerScheme`: the facilitator answers for the very same payment alone, and settles it once, so nothing is checked
   * here. `charge` says what to settle.
   */
  resume(
    payment: PaymentPayload,
    charge: (amount: bigint) => PaymentRequirements,
  ): Promise<Pick<Reservation, 'payer' | 'capture'>>
  /** As in `SellerScheme`, with what a check without a chain found. */
  hold(
    payment: PaymentPayload,
    requirements: PaymentRequirements,
    verdict: RightPayment | Refusal,
  ): Promise<Reservation>
}

/**
 * Makes what the schemes `exact` and `upto` have in common for a seller. While a payment is under way it buys nothing else;
 * afterwards the chain knows its nonce.
 */
export function createOnceHolder(options: {
  readonly facilitator: Pick<Facilitator, 'verify' | 'settle'>
  readonly nonceUsed: RefusalReason
  /** Unix seconds. */
  readonly now: () => number
}): OnceHolder {
  const { facilitator, nonceUsed, now } = options
  /** Payments that are held or were charged, for an hour: what the chain says at first may be a block old. */
  const held = new Map<string, number>()

  function forgetOld(): void {
    for (const [key, until] of held) {
      if (until > now()) return
      held.delete(key)
    }
  }

  async function settle(payment: PaymentPayload, requirements: PaymentRequirements): Promise<SettleResponse> {
    const { network } = requirements
    let settled: SettleResponse
    try {
      settled = await facilitator.settle(payment, requirements)
    } catch (cause) {
      // It may have been settled all the same: only its outcome is not known.
      throw new SettlementPendingError({ network, transaction: '', cause })
    }
    if (settled.success) return settled
    const { errorReason = exactReasons.transaction, errorMessage, transaction } = settled
    if (errorReason === exactReasons.pending) throw new SettlementPendingError({ network, transaction })
    throw new PaymentRefusedError({
      reason: errorReason,
      ...(errorMessage === undefined ? {} : { message: errorMessage }),
    })
  }

  return {
    paymentKey(payment) {
      const identity = identify(payment.accepted, payment.payload)
      return identity === null ? null : `${identity.key} ${String(payment.payload.signature)}`
    },

    async resume(payment, charge) {
      const identity = identify(payment.accepted, payment.payload)
      if (identity === null) throw new PaymentRefusedError({ reason: exactReasons.payload })
      return { payer: identity.payer, capture: (amount) => settle(payment, charge(amount)) }
    },

    async hold(payment, requirements, verdict) {
      if (verdict.type === 'refused') throw new PaymentRefusedError(verdict)
      const { payer, ceiling } = verdict
      const key = identify(requirements, payment.payload)?.key
      if (key === undefined) throw new PaymentRefusedError({ reason: exactReasons.payload })
      forgetOld()
      if (held.has(key))
        throw new PaymentRefusedError({
          reason: nonceUsed,
          message: 'The payment was used for another call.',
        })
      held.set(key, now() + heldSeconds)
      try {
        const verified = await facilitator.verify(payment, requirements)
        if (!verified.isValid)
          throw new PaymentRefusedError({
            reason: verified.invalidReason ?? exactReasons.payload,
            ...(verified.invalidMessage === undefined ? {} : { message: verified.invalidMessage }),
          })
      } catch (error) {
        held.delete(key)
        throw error
      }
      return {
        payer,
        ceiling,
        async capture(amount) {
          const charged = verdict.charge(amount)
          try {
            return await settle(payment, charged)
          } catch (error) {
            if (error instanceof PaymentRefusedError) held.delete(key)
            throw error
          }
        },
        release() {
          held.delete(key)
          return Promise.resolve()
        },
      }
    },
  }
}
