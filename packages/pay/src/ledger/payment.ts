import {
  channelSchema,
  channelToJson,
  hashSchema,
  parse,
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

const tickSchema = z.strictObject({ word: hashSchema, ticks: z.int().min(1).max(4096) })

/** What a payer sends whose voucher the payee knows, in JSON: how far the ticks of its chain go. */
export const channelTickSchema = z.strictObject({ channel: hashSchema, anchor: hashSchema, tick: tickSchema })

/** A payment by the ticks of a voucher that the payee knows. */
export type ChannelTick = z.output<typeof channelTickSchema>

/** What a payer sends on a channel, in JSON: a voucher, how far its ticks go, and money for the channel where it needs some. */
export const channelPaymentSchema = z.strictObject({
  channel: channelSchema,
  voucher: voucherSchema,
  signature: signatureSchema,
  tick: tickSchema.optional(),
  funding: fundingSchema.optional(),
})

// Every payment is read by these: compiled they take a third of the time, and leave a tenth to the collector.
const compiledTick = z.compile(channelTickSchema)
const compiledPayment = z.compile(channelPaymentSchema)

/** What a payer sends on a channel. */
export type ChannelPayment = z.output<typeof channelPaymentSchema>

/**
 * Reads what a payer sends: a voucher, or a tick of one that is known.
 *
 * @throws InvalidInputError naming what is wrong.
 */
export const readChannelPayment = (value: unknown, what: string): ChannelPayment | ChannelTick =>
  typeof value === 'object' && value !== null && 'anchor' in value
    ? parse(compiledTick, value, what)
    : parse(compiledPayment, value, what)

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
