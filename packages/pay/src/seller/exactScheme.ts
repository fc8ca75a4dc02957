import type { Address } from 'viem'
import { openCurve } from '../curve/openCurve.ts'
import { exactReasons } from '../exact/reasons.ts'
import { createExactVerifier } from '../exact/verifyExact.ts'
import type { Facilitator } from '../facilitator/openFacilitator.ts'
import { keyOf, payloadOf } from '../facilitator/settlementBook.ts'
import type { PaymentPayload, PaymentRequirements, SettleResponse } from '../wire/x402.ts'
import { CaptureExceedsError, PaymentRefusedError, SettlementPendingError } from './errors.ts'
import type { SellerScheme } from './scheme.ts'

/** A currency in which a seller takes exact payments. */
export interface ExactCurrency {
  /** `eip155:…` */
  readonly network: string
  /** A token with EIP-3009. */
  readonly asset: Address
  readonly payTo: Address
  /** Name and version in the token's EIP-712 domain. */
  readonly name: string
  readonly version: string
  /** How long a payer's signature is good for, in seconds; 120 by default. */
  readonly maxTimeoutSeconds?: number
}

export interface ExactSchemeOptions {
  readonly currencies: readonly ExactCurrency[]
  /** Verifies and settles: one in this process, or `httpFacilitator`. */
  readonly facilitator: Pick<Facilitator, 'verify' | 'settle'>
  /** Unix seconds. */
  readonly now?: () => number
}

/** How long a payment is remembered here, in seconds; far longer than a chain takes to show it. */
const heldSeconds = 3600

/**
 * Takes payments by x402's scheme `exact`: the payer signs a transfer of EIP-3009, which is settled after the handler has
 * answered and before the answer goes out. While it is under way a payment buys nothing else; afterwards the chain knows
 * its nonce. Several processes that serve the same payee must share one facilitator.
 *
 * @param options Currencies, and who settles.
 * @returns The scheme, for `createPaywall`.
 * @see https://github.com/x402-foundation/x402/blob/main/specs/schemes/exact/scheme_exact_evm.md
 * @example
 * const paywall = createPaywall({ schemes: [exactScheme({ currencies: [usdc], facilitator })] })
 */
export function exactScheme(options: ExactSchemeOptions): SellerScheme {
  const { currencies, facilitator, now = () => Math.floor(Date.now() / 1000) } = options
  const verifying = openCurve().then(createExactVerifier)
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
    scheme: 'exact',
    requirements: async (price) =>
      price.upTo === true
        ? []
        : currencies.map(({ network, asset, payTo, name, version, maxTimeoutSeconds = 120 }) => ({
            scheme: 'exact',
            network,
            amount: price.amount.toString(),
            asset,
            payTo,
            maxTimeoutSeconds,
            extra: { name, version },
          })),
    paymentKey(payment) {
      const payload = payloadOf(payment)
      return payload === null ? null : `${keyOf(payment.accepted, payload)} ${payload.signature}`
    },
    async resume(payment, { requirements }) {
      const payload = payloadOf(payment)
      if (payload === null) throw new PaymentRefusedError({ reason: exactReasons.payload })
      // The facilitator answers for the very same payment alone, and settles it once, so nothing is checked here.
      return {
        payer: payload.authorization.from as Address,
        capture: () => settle(payment, requirements),
      }
    },
    async reserve(payment, { requirements }) {
      const verdict = (await verifying)(payment, { requirements, now: now() })
      if (verdict.type === 'refused') throw new PaymentRefusedError(verdict)
      const { from, nonce, value } = verdict.authorization
      const key = `${requirements.network} ${requirements.asset} ${from} ${nonce}`.toLowerCase()
      forgetOld()
      if (held.has(key))
        throw new PaymentRefusedError({
          reason: exactReasons.nonceUsed,
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
        payer: from,
        ceiling: value,
        async capture(amount) {
          if (amount !== value) throw new CaptureExceedsError({ amount, ceiling: value })
          try {
            return await settle(payment, requirements)
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
