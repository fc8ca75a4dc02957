import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { type Budget, openBudget } from '@millrace/pay'
import type { Connection } from '../connection/connect.ts'
import { UsageError } from '../errors/input.ts'
import { parseAmount } from '../output/amounts.ts'
import { BudgetMissingError } from './errors.ts'

/** What a server may spend. Amounts in base units of the connection's currency. */
export interface SpendingLimit {
  readonly budget: Budget
  readonly total: bigint
  readonly perPayment: bigint
  /** Folder of the budget and of the channels that are paid from it. */
  readonly folder: string
  close(): Promise<void>
}

export interface SpendingFlags {
  /** Most in all, in whole units of the currency. */
  readonly budget?: string | undefined
  /** Most in one payment, in whole units. Default: the budget. */
  readonly perPayment?: string | undefined
}

/**
 * Opens the limit that every tool which moves money shares. It is kept in the home, one for each chain and currency, and
 * counts what earlier servers spent: a restart gives nothing back.
 *
 * @throws BudgetMissingError, AmountInvalidError, UsageError, JournalInUseError if another server has it,
 * and what else `openBudget` throws
 */
export async function openSpendingLimit(
  connection: Connection,
  flags: SpendingFlags,
): Promise<SpendingLimit> {
  if (flags.budget === undefined) throw new BudgetMissingError()
  const { currency, deployment, paths } = connection
  const total = parseAmount(flags.budget, currency)
  const perPayment = flags.perPayment === undefined ? total : parseAmount(flags.perPayment, currency)
  if (perPayment > total)
    throw new UsageError({
      message: `One payment of '${flags.perPayment}' would be more than the whole budget of '${flags.budget}'.`,
      remedy: 'Let `--per-payment` be at most `--budget`.',
    })
  const folder = join(paths.home, 'mcp', `${deployment.chainId}-${currency.address.toLowerCase()}`)
  const path = join(folder, 'budget.jsonl')
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const budget = await openBudget({ path, limits: { lifetime: total, perPayment } })
  return { budget, total, perPayment, folder, close: () => budget.close() }
}

/** What can still be spent: not spent, and not reserved. */
export function leftOf({ budget, total }: SpendingLimit): bigint {
  const { spent, reserved } = budget.state()
  const left = total - spent - reserved
  return left > 0n ? left : 0n
}
