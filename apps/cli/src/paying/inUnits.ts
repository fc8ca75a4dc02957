import { BudgetExceededError, DepositLimitError, NoWayToPayError } from '@millrace/pay'
import { MillraceError } from '@millrace/sdk'
import { z } from 'zod'
import { CliError } from '../errors/CliError.ts'
import { exitCodes } from '../errors/exitCodes.ts'
import { type Currency, formatAmount } from '../output/amounts.ts'

const budgetSchema = z.object({ limit: z.string(), amount: z.bigint(), used: z.bigint(), most: z.bigint() })
const depositSchema = z.object({ channel: z.string(), needed: z.bigint(), most: z.bigint() })
const dearSchema = z.object({ url: z.string(), price: z.object({ amount: z.bigint(), most: z.bigint() }) })

/** A limit of a wallet's that keeps a call from being paid, in whole units; its code is that of what was refused. */
class PayLimitError extends CliError {
  override readonly name = 'PayLimitError'
}

/** An error of paying with its amounts in whole units and what to do by the command; any other stays as it is. */
export function inUnits(error: unknown, currency: Currency): unknown {
  if (!(error instanceof MillraceError)) return error
  const money = (amount: bigint) => formatAmount(amount, currency)
  const say = (message: string, remedy: string) =>
    new PayLimitError({
      ...{ code: error.code, message, remedy, details: error.details },
      exitCode: exitCodes.money,
    })
  const { details } = error
  if (error instanceof BudgetExceededError) {
    const { data } = budgetSchema.safeParse(details)
    if (data === undefined) return error
    return data.limit === 'perPayment'
      ? say(
          `This costs up to ${money(data.amount)}; one answer may cost ${money(data.most)}.`,
          'Nothing was paid. Allow more with `--max`.',
        )
      : say(
          `This costs up to ${money(data.amount)}; of the ${money(data.most)} that this wallet pays in a day, ${money(data.used)} are spent.`,
          'Nothing was paid. Wait, or allow more with `--budget`.',
        )
  }
  if (error instanceof DepositLimitError) {
    const { data } = depositSchema.safeParse(details)
    if (data === undefined) return error
    return say(
      `The channel would have to hold ${money(data.needed)}; at most ${money(data.most)} may lie in one.`,
      'Nothing was paid. Allow more with `--deposit`, or end the channel: its next life begins empty.',
    )
  }
  if (error instanceof NoWayToPayError) {
    const { data } = dearSchema.safeParse(details)
    if (data === undefined) return error
    const { amount, most } = data.price
    return say(
      `'${data.url}' costs ${money(amount)}; one answer may cost ${money(most)}.`,
      'Nothing was paid. Allow more with `--max`, or choose another seller.',
    )
  }
  return error
}
