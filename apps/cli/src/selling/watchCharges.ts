import type { SellerScheme } from '@millrace/pay'
import type { Address } from 'viem'

/** A call that was charged. Amount in base units. */
export interface ChargedCall {
  readonly scheme: string
  readonly payer: Address
  readonly amount: bigint
}

/** The same way to be paid, which tells what it charged. */
export const watchCharges = (
  scheme: SellerScheme,
  onCharge: (charge: ChargedCall) => void,
): SellerScheme => ({
  ...scheme,
  async reserve(payment, context) {
    const reservation = await scheme.reserve(payment, context)
    const { payer, extend } = reservation
    return {
      payer,
      get ceiling() {
        return reservation.ceiling
      },
      ...(extend === undefined ? {} : { extend }),
      async capture(amount) {
        const settled = await reservation.capture(amount)
        onCharge({ scheme: scheme.scheme, payer, amount })
        return settled
      },
      release: (reason) => reservation.release(reason),
    }
  },
})
