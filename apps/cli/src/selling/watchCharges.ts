import type { Reservation, SellerScheme } from '@millrace/pay'
import type { Address } from 'viem'

/** A call that was charged. Amount in base units. */
export interface ChargedCall {
  readonly scheme: string
  readonly payer: Address
  readonly amount: bigint
}

/** The same way to be paid, which tells what it charged. */
export function watchCharges(scheme: SellerScheme, onCharge: (charge: ChargedCall) => void): SellerScheme {
  const { resume } = scheme
  const told = ({ payer, capture }: Pick<Reservation, 'payer' | 'capture'>) => ({
    payer,
    async capture(amount: bigint) {
      const settled = await capture(amount)
      onCharge({ scheme: scheme.scheme, payer, amount })
      return settled
    },
  })
  return {
    ...scheme,
    // Held by a process before this one, and charged by this one.
    ...(resume === undefined
      ? {}
      : { resume: async (payment, context) => told(await resume(payment, context)) }),
    async reserve(payment, context) {
      const reservation = await scheme.reserve(payment, context)
      // In place: its ceiling rises as more is held.
      return Object.assign(reservation, told(reservation))
    },
  }
}
