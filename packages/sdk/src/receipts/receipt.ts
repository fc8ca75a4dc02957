import { type Address, type Hash, hashTypedData } from 'viem'
import * as z from 'zod'
import { addressSchema, hashSchema, signatureSchema, uint40Schema, uintSchema } from '../border/primitives.ts'
import type { MarketDomain } from '../market/domain.ts'

/** A receipt in JSON (protocol §8), read into its inner form. */
export const receiptSchema = z.strictObject({
  lease: hashSchema,
  asset: uintSchema(256),
  buyer: addressSchema,
  device: addressSchema,
  job: hashSchema,
  outputs: hashSchema,
  log: hashSchema,
  startedAt: uint40Schema,
  stoppedAt: uint40Schema,
  seconds: uint40Schema,
  pricePerHour: uintSchema(128),
  terms: hashSchema,
  exitCode: z.int32(),
})

/** A receipt with its signatures as `receipt.get` answers it. */
export const signedReceiptSchema = z.strictObject({
  receipt: receiptSchema,
  device: signatureSchema,
  buyer: signatureSchema.nullable(),
})

/** A receipt as a file that verifies offline: it also names chain and market. */
export const receiptFileSchema = z.strictObject({
  version: z.literal(1),
  chainId: z.int().positive(),
  market: addressSchema,
  ...signedReceiptSchema.shape,
})

/** What a machine did for a lease. Times in Unix seconds of the chain, price in base units. */
export interface Receipt {
  readonly lease: Hash
  readonly asset: bigint
  readonly buyer: Address
  readonly device: Address
  /** `hashJob` of what ran. */
  readonly job: Hash
  /** SHA-256 of the outputs archive; zero if there is none. */
  readonly outputs: Hash
  /** SHA-256 of the stored log. */
  readonly log: Hash
  readonly startedAt: number
  readonly stoppedAt: number
  /** Paid seconds: `stoppedAt - startedAt`. */
  readonly seconds: number
  readonly pricePerHour: bigint
  /** Hash of what was agreed in a haggle, as in the lease's offer; zero at the list price. */
  readonly terms: Hash
  readonly exitCode: number
}

/** A receipt with the device's signature and, once acknowledged, the buyer's. */
export type SignedReceipt = z.output<typeof signedReceiptSchema> & { readonly receipt: Receipt }
/** A receipt with chain and market, as it is kept in a file. */
export type ReceiptFile = z.output<typeof receiptFileSchema> & { readonly receipt: Receipt }
/** A receipt as it travels in JSON. */
export type ReceiptJson = z.input<typeof receiptSchema>

export const receiptTypes = {
  Receipt: [
    { name: 'lease', type: 'bytes32' },
    { name: 'asset', type: 'uint256' },
    { name: 'buyer', type: 'address' },
    { name: 'device', type: 'address' },
    { name: 'job', type: 'bytes32' },
    { name: 'outputs', type: 'bytes32' },
    { name: 'log', type: 'bytes32' },
    { name: 'startedAt', type: 'uint40' },
    { name: 'stoppedAt', type: 'uint40' },
    { name: 'seconds', type: 'uint40' },
    { name: 'pricePerHour', type: 'uint128' },
    { name: 'terms', type: 'bytes32' },
    { name: 'exitCode', type: 'int32' },
  ],
} as const

/** The EIP-712 domain of receipts. */
export const receiptDomain = ({ chainId, market }: MarketDomain) =>
  ({ name: 'Millrace Receipt', version: '1', chainId, verifyingContract: market }) as const

/**
 * Names a receipt: the digest that the device and the buyer sign.
 *
 * @param receipt The receipt.
 * @param domain Chain id and market of the lease.
 * @returns The EIP-712 digest.
 * @example
 * const digest = hashReceipt(receipt, { chainId: 31337, market })
 */
export function hashReceipt(receipt: Receipt, domain: MarketDomain): Hash {
  return hashTypedData({
    domain: receiptDomain(domain),
    types: receiptTypes,
    primaryType: 'Receipt',
    message: receipt,
  })
}

/**
 * Writes a receipt for JSON.
 *
 * @param receipt The receipt in its inner form.
 * @returns The same with amounts as decimal strings; `receiptSchema` reads it back.
 * @example
 * JSON.stringify(receiptToJson(receipt))
 */
export function receiptToJson(receipt: Receipt): ReceiptJson {
  return {
    ...receipt,
    asset: receipt.asset.toString(),
    pricePerHour: receipt.pricePerHour.toString(),
  }
}
