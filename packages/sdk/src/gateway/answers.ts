import { z } from 'zod'
import { addressSchema, hashSchema, signatureSchema, uint40Schema, uintSchema } from '../border/primitives.ts'
import { currencySchema } from '../deployments/deployment.ts'
import { publishedOfferSchema } from '../market/offer.ts'

/*
 * What a gateway answers (protocol §3). Objects may hold more than is named here: a newer gateway is still understood.
 * Amounts travel as decimal strings and are read as bigints.
 */

const amount = uintSchema(256)
const id = uintSchema(256)
const text = z.string()

/** Where an offer stands at a gateway. */
export const offerStateSchema = z.enum(['live', 'withdrawn', 'cancelled', 'opened', 'void', 'expired'])

/** An offer in a list: its id, where it stands, and what the gateway knows of its asset. */
export const listingSchema = z.object({
  id: hashSchema,
  state: offerStateSchema,
  reliability: z.number().min(0).max(1).nullable(),
  verified: z.boolean(),
  published: publishedOfferSchema,
})

/** Answer of a search. `next` is the cursor of the next page. */
export const searchSchema = z.object({ offers: z.array(listingSchema), next: z.string().nullable() })

/** Answer to a publication: ids that were taken, and why the others were not. */
export const publicationSchema = z.object({
  accepted: z.array(hashSchema),
  rejected: z.array(z.object({ index: z.int().nonnegative(), code: text, message: text })),
})

/** Answer of the feed between gateways. */
export const offerChangesSchema = z.object({
  changes: z.array(
    z.object({
      seq: z.int().nonnegative(),
      id: hashSchema,
      state: offerStateSchema,
      published: publishedOfferSchema,
      withdrawal: z.object({ at: uint40Schema, signature: signatureSchema }).nullable(),
    }),
  ),
  next: z.int().nonnegative(),
})

/** Chain, contracts and currencies of a gateway. */
export const networkSchema = z.looseObject({
  chainId: z.int().positive(),
  assets: addressSchema,
  till: addressSchema,
  market: addressSchema,
  currencies: z.array(currencySchema),
  epochLength: z.int().positive(),
})

/** State of a gateway. */
export const healthSchema = z.looseObject({ status: text })

const time = z.int().nonnegative()
const state = z.enum(['none', 'open', 'running', 'stopped', 'settled'])

/** An asset as the gateway's index has it. */
export const indexedAssetSchema = z.looseObject({
  asset: id,
  owner: addressSchema,
  operator: addressSchema,
  device: addressSchema,
  currency: addressSchema,
  kind: z.enum(['machine', 'robot', 'dataset', 'model', 'service']),
  spec: hashSchema,
  uri: text,
  reliability: z.number().min(0).max(1).nullable(),
})

/** A lease as the gateway's index has it. Times in Unix seconds, amounts in base units. */
export const indexedLeaseSchema = z.looseObject({
  lease: hashSchema,
  state,
  asset: id,
  buyer: addressSchema,
  operator: addressSchema,
  pricePerHour: amount,
  deposit: amount,
  bond: amount,
  duration: time,
  openedAt: time,
  startBy: time,
  startedAt: time.nullable(),
  endsAt: time.nullable(),
  stoppedAt: time.nullable(),
  settledAt: time.nullable(),
  earned: amount.nullable(),
  refunded: amount.nullable(),
})

/** A page of leases. */
export const leasePageSchema = z.looseObject({
  leases: z.array(indexedLeaseSchema),
  next: z.string().nullable(),
})
/** A page of assets. */
export const assetPageSchema = z.looseObject({
  assets: z.array(indexedAssetSchema),
  next: z.string().nullable(),
})

/** What each layer of a till was paid so far, in base units. */
export const paidSchema = z.object({
  fee: amount,
  upstream: amount,
  costs: amount,
  debt: amount,
  shares: amount,
  owner: amount,
})

/** A till as the gateway's index has it. */
export const indexedTillSchema = z.looseObject({
  asset: id,
  revenue: amount,
  paid: paidSchema,
})

/** Balances of an account in the till. */
export const accountSchema = z.looseObject({
  account: addressSchema,
  balances: z.array(
    z.looseObject({ currency: addressSchema, balance: amount, deposited: amount, withdrawn: amount }),
  ),
})

/** An offer in a list. */
export type Listing = z.output<typeof listingSchema>
/** Where an offer stands at a gateway. */
export type OfferState = z.output<typeof offerStateSchema>
/** Chain, contracts and currencies of a gateway. */
export type Network = z.output<typeof networkSchema>
/** An asset as a gateway's index has it. */
export type IndexedAsset = z.output<typeof indexedAssetSchema>
/** A lease as a gateway's index has it. */
export type IndexedLease = z.output<typeof indexedLeaseSchema>
/** A till as a gateway's index has it. */
export type IndexedTill = z.output<typeof indexedTillSchema>
/** Balances of an account in the till. */
export type IndexedAccount = z.output<typeof accountSchema>
