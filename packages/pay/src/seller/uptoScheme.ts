import { type Address, getAddress, isAddress } from 'viem'
import { openCurve } from '../curve/openCurve.ts'
import type { Facilitator } from '../facilitator/openFacilitator.ts'
import { approvalDeclaration } from '../upto/approvalDeclaration.ts'
import { approvalExtension } from '../upto/permit.ts'
import { uptoReasons } from '../upto/reasons.ts'
import { createUptoVerifier } from '../upto/verifyUpto.ts'
import { CaptureExceedsError } from './errors.ts'
import type { ExactCurrency } from './exactScheme.ts'
import { createOnceHolder } from './holdOnce.ts'
import type { SellerScheme } from './scheme.ts'

export interface UptoSchemeOptions {
  /** Any ERC-20; where it has permits (EIP-2612), payers need not have approved Permit2. */
  readonly currencies: readonly ExactCurrency[]
  /** Verifies and settles: one in this process, or `httpFacilitator`. Payers name its account, so that nobody else settles. */
  readonly facilitator: Pick<Facilitator, 'verify' | 'settle' | 'supported'>
  /** Unix seconds. */
  readonly now?: () => number
}

/**
 * Takes payments by x402's scheme `upto`, where a price is a ceiling: the payer signs a permit of Permit2 for the most that the call
 * can cost, and after it the facilitator moves what was used. Nothing is asked by it on a chain where the facilitator does
 * not settle it.
 *
 * @param options Currencies, and who settles.
 * @returns The scheme, for `createPaywall`.
 * @see https://github.com/x402-foundation/x402/blob/main/specs/schemes/upto/scheme_upto_evm.md
 * @example
 * const paywall = createPaywall({ schemes: [uptoScheme({ currencies: [usdc], facilitator })] })
 */
export function uptoScheme(options: UptoSchemeOptions): SellerScheme {
  const { currencies, facilitator, now = () => Math.floor(Date.now() / 1000) } = options
  const verifying = openCurve().then(createUptoVerifier)
  const holder = createOnceHolder({ facilitator, nonceUsed: uptoReasons.nonceUsed, now })
  const accounts = new Map<string, Address>()

  /** Who settles on a chain; null where nobody does yet. */
  async function settlerOn(network: string): Promise<Address | null> {
    const known = accounts.get(network)
    if (known !== undefined) return known
    const { kinds } = await facilitator.supported()
    for (const { scheme, network: on, extra } of kinds) {
      const account = extra?.facilitatorAddress
      if (scheme === 'upto' && typeof account === 'string' && isAddress(account))
        accounts.set(on, getAddress(account))
    }
    return accounts.get(network) ?? null
  }

  return {
    scheme: 'upto',
    extensions: { [approvalExtension]: approvalDeclaration },
    async requirements(price) {
      if (price.upTo !== true && price.metered === undefined) return []
      const entries = currencies.map(async (currency) => {
        const { network, asset, payTo, name, version, maxTimeoutSeconds = 120 } = currency
        const facilitatorAddress = await settlerOn(network)
        if (facilitatorAddress === null) return []
        const extra = { name, version, assetTransferMethod: 'permit2', facilitatorAddress }
        const amount = price.amount.toString()
        return { scheme: 'upto', network, amount, asset, payTo, maxTimeoutSeconds, extra }
      })
      return (await Promise.all(entries)).flat()
    },
    paymentKey: holder.paymentKey,
    resume: (payment, { requirements }) =>
      holder.resume(payment, (amount) => ({ ...requirements, amount: amount.toString() })),
    async reserve(payment, { requirements }) {
      const verdict = (await verifying)(payment, { requirements, now: now(), purpose: 'verify' })
      if (verdict.type === 'refused') return holder.hold(payment, requirements, verdict)
      const { from: payer, permitted } = verdict.permit
      const ceiling = permitted.amount
      const charge = (amount: bigint) => {
        if (amount > ceiling) throw new CaptureExceedsError({ amount, ceiling })
        return { ...requirements, amount: amount.toString() }
      }
      return holder.hold(payment, requirements, { type: 'right', payer, ceiling, charge })
    },
  }
}
