import { parseUnits } from 'viem'
import type { ConfirmationRow } from '../config/nodeConfig.ts'

/**
 * Blocks to wait for a deposit: the first row whose `upTo` (whole units) is not exceeded; the last row for all above.
 *
 * @param deposit Base units.
 * @param decimals Decimals of the currency.
 */
export function confirmationsFor(
  deposit: bigint,
  rows: readonly ConfirmationRow[],
  decimals: number,
): number {
  for (const row of rows) {
    if (row.upTo === undefined || deposit <= parseUnits(row.upTo, decimals)) return row.blocks
  }
  return rows.at(-1)?.blocks ?? 0
}
