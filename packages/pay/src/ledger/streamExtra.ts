import { addressSchema, hashSchema, uintSchema } from '@millrace/sdk'
import { isAddress } from 'viem'
import * as z from 'zod'
import { unitName } from '../seller/metered.ts'
import { channelSnapshotSchema } from './snapshot.ts'

/** `extra` of requirements of scheme `stream`, as a buyer reads it. */
export const streamExtraSchema = z.object({
  channels: z.string().refine((value) => isAddress(value)),
  assetId: uintSchema(64).optional(),
  closeDelay: z.int().min(0).max(2_592_000),
  deposit: uintSchema(96),
  terms: hashSchema,
  funds: z.boolean(),
  /** Whether a tick of a voucher that the seller knows is taken alone. */
  ticks: z.boolean().default(false),
  /** Whether the seller agrees to the end of a channel when it is asked. */
  closes: z.boolean().default(false),
  /** Who signs for the seller, where less than `amount` can be agreed on. */
  haggles: addressSchema.optional(),
  channel: channelSnapshotSchema.optional(),
  metered: z
    .object({ per: z.string().regex(unitName), price: uintSchema(128), units: z.int().min(1).default(1) })
    .optional(),
})
