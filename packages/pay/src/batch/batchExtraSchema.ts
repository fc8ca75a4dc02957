import { signatureSchema } from '@millrace/sdk'
import * as z from 'zod'
import { atomicSchema } from '../wire/x402.ts'

/** `extra` of requirements of `batch-settlement`, as a buyer reads it. */
export const batchExtraSchema = z.object({
  name: z.string().min(1),
  version: z.string().min(1),
  receiverAuthorizer: z
    .string()
    .regex(/^0x[0-9a-fA-F]{40}$/)
    .refine((value) => !/^0x0{40}$/.test(value)),
  withdrawDelay: z.int().min(900).max(2_592_000).default(900),
  minDeposit: atomicSchema.optional().catch(undefined),
  assetTransferMethod: z.literal('eip3009').default('eip3009'),
  channelState: z.object({ chargedCumulativeAmount: atomicSchema.optional() }).optional().catch(undefined),
  voucherState: z
    .object({ signedMaxClaimable: atomicSchema, signature: signatureSchema })
    .optional()
    .catch(undefined),
})
