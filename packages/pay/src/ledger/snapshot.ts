import { hashSchema, signatureSchema, uintSchema, voucherSchema } from '@millrace/sdk'
import * as z from 'zod'

/** Where a channel stands at its payee, in JSON. The voucher proves it: nobody but the payer's signer can make one. */
export const channelSnapshotSchema = z.object({
  channel: hashSchema,
  epoch: uintSchema(64),
  /** Charged and held in this epoch. */
  spent: uintSchema(128),
  /** What the vouchers and ticks are worth. */
  worth: uintSchema(128),
  deposit: uintSchema(128),
  claimed: uintSchema(128),
  best: z.object({ voucher: voucherSchema, signature: signatureSchema }).nullable(),
  ticks: z.int().min(0),
  /** The word that was shown last, which proves the ticks; null or left out where there is none. */
  word: hashSchema.nullish(),
})

/** Where a channel stands at its payee. */
export type ChannelSnapshot = z.output<typeof channelSnapshotSchema>
