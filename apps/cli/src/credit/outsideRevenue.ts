import type { RevenueEvidence } from '@millrace/sdk'

/**
 * The part of an asset's trailing revenue that came from outside, where it is made up as the revenue of the period that was looked at. Rounded
 * down: nobody vouches for a unit too many.
 *
 * @param trailingRevenue What the till saw, decaying, in base units.
 * @param evidence Revenue of the period, and what of it cannot have come from related accounts, in base units.
 * @returns Base units; nothing where nothing was earned in the period.
 */
export function outsideRevenue(
  trailingRevenue: bigint,
  { revenue, adjusted }: Pick<RevenueEvidence, 'revenue' | 'adjusted'>,
): bigint {
  if (revenue === 0n) return 0n
  return (trailingRevenue * (adjusted < revenue ? adjusted : revenue)) / revenue
}
