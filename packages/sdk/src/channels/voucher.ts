import type { Hash, Hex } from 'viem'
import * as z from 'zod'
import { hashSchema, signatureSchema, uintSchema } from '../border/primitives.ts'

/** Most ticks that the contract takes, whatever a voucher says. */
export const maxTicks = 4096

/** A voucher in JSON, read into its inner form. */
export const voucherSchema = z.strictObject({
  channel: hashSchema,
  epoch: uintSchema(64),
  cumulative: uintSchema(128),
  anchor: hashSchema,
  tickPrice: uintSchema(64),
  maxTicks: z
    .int()
    .min(0)
    .max(2 ** 32 - 1),
  terms: hashSchema,
})

/** A voucher with its signature, in JSON. */
export const signedVoucherSchema = z.strictObject({ voucher: voucherSchema, signature: signatureSchema })

/**
 * A signer's promise of `cumulative` in all since the channel's epoch began, and of `tickPrice` more for each step back
 * along a hash chain that ends in `anchor`. Of two vouchers the one that is worth more counts: they never add up.
 */
export interface Voucher {
  /** Id of the channel. */
  readonly channel: Hash
  /** Closes of the channel so far. */
  readonly epoch: bigint
  /** Base units. */
  readonly cumulative: bigint
  /** Last word of the hash chain; zero for a voucher without ticks. */
  readonly anchor: Hash
  /** Base units a tick. */
  readonly tickPrice: bigint
  /** Most ticks that the signer stands for; more than 4096 are never taken. */
  readonly maxTicks: number
  /** Hash of the canonical JSON of what was agreed; zero for none. */
  readonly terms: Hash
}

/** A voucher that its signer signed. */
export interface SignedVoucher {
  readonly voucher: Voucher
  readonly signature: Hex
}

/** A voucher as it travels in JSON: amounts and the epoch are decimal strings. */
export type VoucherJson = z.input<typeof voucherSchema>

/**
 * Writes a voucher for JSON.
 *
 * @param voucher The voucher in its inner form.
 * @returns The same with amounts and epoch as decimal strings; `voucherSchema` reads it back.
 * @example
 * JSON.stringify({ voucher: voucherToJson(voucher), signature })
 */
export function voucherToJson(voucher: Voucher): VoucherJson {
  const { epoch, cumulative, tickPrice } = voucher
  return {
    ...voucher,
    epoch: epoch.toString(),
    cumulative: cumulative.toString(),
    tickPrice: tickPrice.toString(),
  }
}
