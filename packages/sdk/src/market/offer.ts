import type { Address, Hash, Hex } from 'viem'
import * as z from 'zod'
import { addressSchema, hashSchema, signatureSchema, uint40Schema, uintSchema } from '../border/primitives.ts'
import { specSchema } from './spec.ts'

/** Terms of an offer in JSON, read into the form the contract takes. */
export const offerSchema = z.strictObject({
  asset: uintSchema(256),
  buyer: addressSchema,
  pricePerHour: uintSchema(128),
  bond: uintSchema(128),
  minDuration: uint40Schema,
  maxDuration: uint40Schema,
  startWindow: uint40Schema,
  expiry: uint40Schema,
  spec: hashSchema,
  terms: hashSchema,
  nonce: uintSchema(256),
})

/** An offer as gateways carry it (protocol §2): terms, signature, spec, and where it can be reached. */
export const publishedOfferSchema = z.strictObject({
  chainId: z.int().positive(),
  market: addressSchema,
  currency: addressSchema,
  operator: addressSchema,
  offer: offerSchema,
  signature: signatureSchema,
  spec: specSchema,
  gateways: z.array(z.url({ protocol: /^https?$/ }).max(256)).max(16),
})

/**
 * An operator's signed promise of machine time, as the contract takes it. Amounts in base units of the asset's
 * currency, durations and times in seconds.
 */
export interface Offer {
  /** What is hired. */
  readonly asset: bigint
  /** Who may open it; the zero address for anyone. */
  readonly buyer: Address
  readonly pricePerHour: bigint
  /** Locked from the operator's account at open; the buyer gets it if the operator stops early. */
  readonly bond: bigint
  /** Least that a buyer pays up front; not a minimum charge. */
  readonly minDuration: number
  /** Longest lease, extensions included. */
  readonly maxDuration: number
  /** Seconds after the opening within which the device must start. */
  readonly startWindow: number
  /** Last second at which it can be opened. */
  readonly expiry: number
  /** Hash of the spec. */
  readonly spec: Hash
  /** Hash of terms agreed between the parties; zero for none. */
  readonly terms: Hash
  /** Upper 64 bits: the operator's series; lower 192: a bit in the cancellation map. */
  readonly nonce: bigint
}

/** An offer as gateways carry it, in its inner form: amounts are bigints, addresses checksummed. */
export type PublishedOffer = Omit<z.output<typeof publishedOfferSchema>, 'offer'> & {
  readonly offer: Offer
  readonly signature: Hex
}
/** An offer as it travels in JSON: amounts are decimal strings. */
export type PublishedOfferJson = z.input<typeof publishedOfferSchema>

/**
 * Writes an offer for JSON.
 *
 * @param published The offer in its inner form.
 * @returns The same with amounts as decimal strings; `publishedOfferSchema` reads it back.
 * @example
 * JSON.stringify(publishedOfferToJson(published))
 */
export function publishedOfferToJson(published: PublishedOffer): PublishedOfferJson {
  const { asset, pricePerHour, bond, nonce } = published.offer
  return {
    ...published,
    offer: {
      ...published.offer,
      asset: asset.toString(),
      pricePerHour: pricePerHour.toString(),
      bond: bond.toString(),
      nonce: nonce.toString(),
    },
  }
}
