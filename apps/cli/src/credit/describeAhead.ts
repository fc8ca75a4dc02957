import { type Currency, formatAmount } from '../output/amounts.ts'
import type { Ahead } from './readStanding.ts'

/** Who is paid before a loan, a line each. */
export function describeAhead(ahead: readonly Ahead[], currency: Currency): readonly string[] {
  return ahead.map(
    ({ asset, facility, cap, owed }) =>
      `Ahead      pool ${facility} on asset ${asset}: may lend ${formatAmount(cap, currency)}, is owed ${formatAmount(owed, currency)}`,
  )
}
