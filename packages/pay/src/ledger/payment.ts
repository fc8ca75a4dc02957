import {
  channelSchema,
  channelToJson,
  hashSchema,
  signatureSchema,
  uintSchema,
  voucherSchema,
  voucherToJson,
} from '@millrace/sdk'
import * as z from 'zod'

/** An authorization that funds the channel from the payer's wallet, sent by the payee. */
export const fundingSchema = z.strictObject({
  amount: uintSchema(128),
  validAfter: uintSchema(64),
  validBefore: uintSchema(64),
  salt: hashSchema,
  signature: signatureSchema,
})

/** What a payer sends on a channel, in JSON: a voucher, how far its ticks go, and money for the channel where it needs some. */
export const channelPaymentSchema = z.strictObject({
  channel: channelSchema,
  voucher: voucherSchema,
  signature: signatureSchema,
  tick: z.strictObject({ word: hashSchema, ticks: z.int().min(1).max(4096) }).optional(),
  funding: fundingSchema.optional(),
})

/** What a payer sends on a channel. */
export type ChannelPayment = z.output<typeof channelPaymentSchema>

/** A payment as it travels in JSON. */
export type ChannelPaymentJson = z.input<typeof channelPaymentSchema>

/** Writes a payment for JSON; `channelPaymentSchema` reads it back. */
export function channelPaymentToJson(payment: ChannelPayment): ChannelPaymentJson {
  const { channel, voucher, signature, tick, funding } = payment
  return {
    channel: channelToJson(channel),
    voucher: voucherToJson(voucher),
    signature,
    ...(tick === undefined ? {} : { tick }),
    ...(funding === undefined
      ? {}
      : {
          funding: {
            ...funding,
            amount: funding.amount.toString(),
            validAfter: funding.validAfter.toString(),
            validBefore: funding.validBefore.toString(),
          },
        }),
  }
}
