import { BudgetExceededError, NoWayToPayError } from '@millrace/pay'
import { MillraceError } from '@millrace/sdk'
import * as z from 'zod'
import { type Currency, formatAmount } from '../output/amounts.ts'
import { toJson } from '../output/output.ts'

/** What is said of a failure. */
export interface ToolError {
  readonly code: string
  readonly message: string
  readonly remedy: string | null
  readonly retryable: boolean
  readonly details: unknown
}

/** A failure as a client reads it. A budget's amounts are put into whole units; what is no error of ours is a defect. */
export function toolErrorOf(error: unknown, currency: Currency): ToolError {
  if (error instanceof BudgetExceededError) return budgetErrorOf(error, currency)
  const dear = error instanceof NoWayToPayError ? dearErrorOf(error, currency) : null
  if (dear !== null) return dear
  if (error instanceof MillraceError) {
    const { code, message, remedy, retryable, details } = error
    return { code, message, remedy: remedy ?? null, retryable, details: JSON.parse(toJson(details ?? null)) }
  }
  return {
    code: 'INTERNAL',
    message: shortMessage(error),
    remedy:
      'This may be a defect of Millrace, or a chain that does not answer: try once more, then report it.',
    retryable: false,
    details: null,
  }
}

const dearDetailsSchema = z.object({
  url: z.string(),
  price: z.object({ amount: z.bigint(), most: z.bigint() }),
})

/** Where nothing but the price stands against a payment. */
function dearErrorOf({ code, details }: NoWayToPayError, currency: Currency): ToolError | null {
  const { data } = dearDetailsSchema.safeParse(details)
  if (data === undefined) return null
  const [amount, most] = [data.price.amount, data.price.most].map((value) => formatAmount(value, currency))
  return {
    ...{ code, message: `'${data.url}' costs ${amount}; this call may cost ${most}.` },
    remedy: 'Nothing was paid. Allow more with `max_price`, or choose another seller.',
    ...{ retryable: false, details: { url: data.url, amount, most } },
  }
}

/** viem's errors carry pages of context behind a short sentence. */
function shortMessage(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return 'shortMessage' in error && typeof error.shortMessage === 'string'
    ? error.shortMessage
    : error.message
}

const budgetDetailsSchema = z.object({
  limit: z.string(),
  amount: z.bigint(),
  used: z.bigint(),
  most: z.bigint(),
})

function budgetErrorOf(error: BudgetExceededError, currency: Currency): ToolError {
  const { limit, amount, used, most } = budgetDetailsSchema.parse(error.details)
  const units = (value: bigint) => formatAmount(value, currency)
  return {
    code: error.code,
    message:
      limit === 'perPayment'
        ? `This costs up to ${units(amount)}; one payment may cost at most ${units(most)}.`
        : `This costs up to ${units(amount)}; of the budget of ${units(most)}, ${units(used)} are spent or reserved.`,
    remedy:
      'Nothing was paid. Ask for less, or have the person who started this server raise its limit; no tool can.',
    retryable: false,
    details: { limit, amount: units(amount), used: units(used), most: units(most) },
  }
}
