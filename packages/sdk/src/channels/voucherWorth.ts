import type { Voucher } from './voucher.ts'

/**
 * What a voucher is worth with so many of its ticks shown, whatever the deposit.
 *
 * @param voucher The voucher.
 * @param ticks Ticks shown. Default 0.
 * @returns Base units.
 * @example
 * const worth = voucherWorth(voucher, 12)
 */
export function voucherWorth(voucher: Voucher, ticks = 0): bigint {
  return voucher.cumulative + BigInt(ticks) * voucher.tickPrice
}
