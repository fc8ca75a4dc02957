import { hashSchema, signatureSchema, uintSchema } from '@millrace/sdk'
import type { Address } from 'viem'
import * as z from 'zod'

/** In lower case, not checksummed: a checksum costs a hash, and this is read for every payment. */
const addressSchema = z
  .string()
  .regex(/^0x[0-9a-fA-F]{40}$/, 'must be an address: 0x and 40 hex digits')
  .transform((value) => value.toLowerCase() as Address)

const id = hashSchema.transform((value) => value.toLowerCase() as `0x${string}`)

/** What a channel is between, in JSON. */
export const batchConfigSchema = z.object({
  payer: addressSchema,
  payerAuthorizer: addressSchema,
  receiver: addressSchema,
  receiverAuthorizer: addressSchema,
  token: addressSchema,
  withdrawDelay: z
    .int()
    .min(0)
    .max(2 ** 40 - 1),
  salt: hashSchema,
})

const voucherSchema = z.object({
  channelId: id,
  maxClaimableAmount: uintSchema(128),
  signature: signatureSchema,
})

const depositSchema = z.object({
  type: z.literal('deposit'),
  channelConfig: batchConfigSchema,
  voucher: voucherSchema,
  deposit: z.object({
    amount: uintSchema(128),
    authorization: z.object({
      erc3009Authorization: z
        .object({
          validAfter: uintSchema(256),
          validBefore: uintSchema(256),
          salt: hashSchema,
          signature: signatureSchema,
        })
        .optional(),
    }),
  }),
})

const plainSchema = z.object({
  type: z.literal('voucher'),
  channelConfig: batchConfigSchema,
  voucher: voucherSchema,
})

const refundSchema = z.object({
  type: z.literal('refund'),
  channelConfig: batchConfigSchema,
  voucher: voucherSchema,
  /** Any text: what is no amount has a reason of its own. */
  amount: z.string().max(80).optional(),
})

/** What a payer sends: a voucher, one with a deposit, or the wish to have back what was not charged. */
export const batchPayloadSchema = z.discriminatedUnion('type', [depositSchema, plainSchema, refundSchema])

const claimSchema = z.object({
  voucher: z.object({ channel: batchConfigSchema, maxClaimableAmount: uintSchema(128) }),
  signature: signatureSchema,
  totalClaimed: uintSchema(128),
})

/** What a receiver sends to a facilitator. */
export const batchOrderSchema = z.discriminatedUnion('type', [
  depositSchema,
  z.object({
    type: z.literal('claim'),
    claims: z.array(claimSchema).min(1).max(100),
    claimAuthorizerSignature: signatureSchema.optional(),
  }),
  z.object({ type: z.literal('settle'), receiver: addressSchema, token: addressSchema }),
  z.object({
    type: z.literal('refund'),
    channelConfig: batchConfigSchema,
    voucher: voucherSchema,
    amount: uintSchema(128),
    refundNonce: uintSchema(256),
    claims: z.array(claimSchema).max(100),
    refundAuthorizerSignature: signatureSchema.optional(),
    claimAuthorizerSignature: signatureSchema.optional(),
  }),
])

export type BatchConfig = z.output<typeof batchConfigSchema>
export type BatchVoucher = z.output<typeof voucherSchema>
export type BatchPayload = z.output<typeof batchPayloadSchema>
export type BatchDeposit = z.output<typeof depositSchema>
export type BatchClaim = z.output<typeof claimSchema>
export type BatchOrder = z.output<typeof batchOrderSchema>

/** The same as it travels in JSON. */
export type BatchPayloadJson = z.input<typeof batchPayloadSchema>

/** A voucher as it travels in JSON. */
export const batchVoucherToJson = ({ channelId, maxClaimableAmount, signature }: BatchVoucher) => ({
  ...{ channelId, maxClaimableAmount: maxClaimableAmount.toString(), signature },
})

/** A claim as it travels in JSON. */
export const batchClaimToJson = ({ voucher, signature, totalClaimed }: BatchClaim) => ({
  voucher: { channel: voucher.channel, maxClaimableAmount: voucher.maxClaimableAmount.toString() },
  ...{ signature, totalClaimed: totalClaimed.toString() },
})
