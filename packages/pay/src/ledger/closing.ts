import {
  type Channel,
  type ChannelState,
  channelSchema,
  channelToJson,
  hashSchema,
  parse,
  type SignedVoucher,
  signatureSchema,
  uintSchema,
  type Voucher,
  voucherSchema,
  voucherToJson,
} from '@millrace/sdk'
import { encodeAbiParameters, type Hash, keccak256, stringToHex, zeroHash } from 'viem'
import * as z from 'zod'

/** A payer's wish to end a channel at once, at exactly what was charged. */
export interface CloseRequest extends SignedVoucher {
  readonly channel: Channel
  /** Last second, of the chain's clock, at which the payee's signature is good. */
  readonly until: number
  /** Whether the payee is asked to send the transaction too: the payer has no gas. */
  readonly send: boolean
}

/** A payee's consent, for anyone to send with `closeChannelFor`. */
export interface CloseConsent {
  readonly channel: Hash
  readonly epoch: bigint
  /** Paid to the payee in all, in base units. */
  readonly claimed: bigint
  /** Last second at which it is good. */
  readonly deadline: number
  readonly signature: `0x${string}`
  /** Of the payee's own transaction, if it sent one. */
  readonly transaction: Hash | null
}

/** A channel as one block shows it. */
export interface ChannelAt {
  readonly state: ChannelState
  /** Unix seconds of that block. */
  readonly time: number
}

/** Header of a request that asks for the end of a channel; any address that the payee sells at takes it. */
export const closeHeader = 'Millrace-Close'

const closeMark = keccak256(stringToHex('Millrace Close'))

/**
 * Terms of the voucher that asks for the end. They name its last second, so that no other voucher, and none of an earlier wish, can be
 * shown to a payee as this one: vouchers that were claimed are public.
 *
 * @param until Unix seconds of the chain.
 */
export const closeTerms = (until: number): Hash =>
  keccak256(encodeAbiParameters([{ type: 'bytes32' }, { type: 'uint256' }], [closeMark, BigInt(until)]))

/** The voucher that asks for the end of a channel: exactly what was charged, without ticks. */
export const closeVoucher = (of: {
  readonly channel: Hash
  readonly epoch: bigint
  readonly spent: bigint
  readonly until: number
}): Voucher => ({
  ...{ channel: of.channel, epoch: of.epoch, cumulative: of.spent },
  ...{ anchor: zeroHash, tickPrice: 0n, maxTicks: 0, terms: closeTerms(of.until) },
})

/** A wish as it travels in JSON. */
export const closeRequestSchema = z.strictObject({
  channel: channelSchema,
  voucher: voucherSchema,
  signature: signatureSchema,
  until: z.int().min(1).max(0xff_ffff_ffff),
  send: z.boolean().default(false),
})

const consentSchema = z.object({
  channel: hashSchema,
  epoch: uintSchema(64),
  claimed: uintSchema(128),
  deadline: z.int().min(1),
  signature: signatureSchema,
  transaction: hashSchema.nullable(),
})

/**
 * Reads a wish.
 *
 * @throws InvalidInputError naming what is wrong.
 */
export const readCloseRequest = (value: unknown): CloseRequest =>
  parse(closeRequestSchema, value, 'close request')

/** Writes a wish for JSON; `readCloseRequest` reads it back. */
export const closeRequestToJson = ({ channel, voucher, signature, until, send }: CloseRequest) => ({
  ...{ channel: channelToJson(channel), voucher: voucherToJson(voucher), signature, until, send },
})

/**
 * Reads a consent.
 *
 * @throws InvalidInputError naming what is wrong.
 */
export const readCloseConsent = (value: unknown): CloseConsent => parse(consentSchema, value, 'close consent')

/** Writes a consent for JSON; `readCloseConsent` reads it back. */
export const closeConsentToJson = ({ epoch, claimed, ...consent }: CloseConsent) => ({
  ...consent,
  epoch: epoch.toString(),
  claimed: claimed.toString(),
})
