import type { Signer } from '@millrace/sdk'
import type { Hash } from 'viem'
import { toHex } from '../curve/words.ts'
import { signExact } from '../exact/signExact.ts'
import type { PaymentRequirements } from '../wire/x402.ts'
import type { Budget, BudgetReservation } from './openBudget.ts'

/** Payments by `exact` for one request. However many are signed, they share a nonce: one at most can be settled. */
export interface OncePayments {
  /**
   * Reserves what is asked and signs it.
   *
   * @throws BudgetExceededError | ExactUnsignableError
   */
  sign(
    requirements: PaymentRequirements,
    spending: { readonly payee: string; readonly service: string },
  ): Promise<Readonly<Record<string, unknown>>>
  /** Counts the dearest to each payee as spent: what was sent can be settled, whatever the answer. */
  end(): Promise<void>
}

export function createOncePayments(options: {
  readonly signer: Signer
  readonly budget: Budget
  /** Unix seconds. */
  readonly now: () => number
}): OncePayments {
  const { signer, budget, now } = options
  const nonce: Hash = toHex(crypto.getRandomValues(new Uint8Array(32)))
  const held: { readonly payee: string; readonly reservation: BudgetReservation }[] = []
  return {
    async sign(requirements, { payee, service }) {
      const reservation = await budget.reserve({ amount: BigInt(requirements.amount), payee, service })
      try {
        const { payload } = await signExact(signer, { requirements, now: now(), nonce })
        held.push({ payee, reservation })
        return payload
      } catch (error) {
        await reservation.release().catch(() => {})
        throw error
      }
    },
    async end() {
      const counted = new Set<string>()
      const dearest = held
        .splice(0)
        .toSorted((a, b) => (a.reservation.amount > b.reservation.amount ? -1 : 1))
      for (const { payee, reservation } of dearest) {
        await (counted.has(payee) ? reservation.release() : reservation.capture(reservation.amount))
        counted.add(payee)
      }
    },
  }
}
