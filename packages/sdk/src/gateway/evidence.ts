import * as z from 'zod'
import { addressSchema, uintSchema } from '../border/primitives.ts'

const amount = uintSchema(256)
const time = z.int().nonnegative()
const count = z.int().nonnegative()
const share = z.number().min(0).max(1)
const named = z.object({ account: z.string(), share }).nullable()

/** How much of an asset's revenue can have been its operator's own money, and by which ways. Amounts in base units, shares of 1. */
export const revenueEvidenceSchema = z.object({
  asset: amount,
  currency: addressSchema,
  related: z.array(addressSchema),
  from: time,
  to: time,
  indexedUntil: time,
  payments: count,
  revenue: amount,
  adjusted: amount,
  fundableShare: share,
  circularShare: share,
  cycled: z.array(z.object({ window: z.string(), amount, share })),
  signals: z.object({
    payers: count,
    payerConcentration: share,
    largestPayer: named,
    newPayers: share,
    commonFunder: named,
    reciprocal: share,
    round: share,
    regular: share,
  }),
  /** Machine time that leases sold, beside what is known of the machine. `unread`: what nobody reads at this gateway. */
  meter: z
    .object({
      leases: count,
      paidSeconds: z.number().nonnegative(),
      paid: amount,
      supported: share,
      challenges: z.object({ passed: count, asked: count }).nullable(),
      unread: z.array(z.string()),
    })
    .optional(),
  findings: z.array(
    z.object({
      type: z.string(),
      weight: z.enum(['high', 'medium', 'low']),
      share,
      sentence: z.string(),
      evidence: z.array(
        z.object({
          amount,
          steps: z.array(z.object({ log: z.string(), time, from: z.string(), to: z.string(), amount })),
        }),
      ),
      more: count,
    }),
  ),
})

/** What a gateway's index says of where an asset's revenue came from. */
export type RevenueEvidence = z.output<typeof revenueEvidenceSchema>
