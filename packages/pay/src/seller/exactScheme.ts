import type { Address } from 'viem'
import { openCurve } from '../curve/openCurve.ts'
import { exactReasons } from '../exact/reasons.ts'
import { createExactVerifier } from '../exact/verifyExact.ts'
import type { Facilitator } from '../facilitator/openFacilitator.ts'
import { CaptureExceedsError } from './errors.ts'
import { createOnceHolder } from './holdOnce.ts'
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
  const holder = createOnceHolder({ facilitator, nonceUsed: exactReasons.nonceUsed, now })

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
    paymentKey: holder.paymentKey,
    resume: (payment, { requirements }) => holder.resume(payment, () => requirements),
    async reserve(payment, { requirements }) {
      const verdict = (await verifying)(payment, { requirements, now: now() })
      if (verdict.type === 'refused') return holder.hold(payment, requirements, verdict)
      const { from: payer, value: ceiling } = verdict.authorization
      const charge = (amount: bigint) => {
        if (amount !== ceiling) throw new CaptureExceedsError({ amount, ceiling })
        return requirements
      }
      const held = await holder.hold(payment, requirements, { type: 'right', payer, ceiling, charge })
      return Object.assign(held, { fixed: true as const })
    },
  }
}
