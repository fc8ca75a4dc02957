import * as z from 'zod'
import { addressSchema, hashSchema, signatureSchema, uint40Schema, uintSchema } from '../border/primitives.ts'
import { deploymentSchema } from '../deployments/deployment.ts'
import { leaseStates } from '../market/lease.ts'
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

/** What a gateway's own challenge of a machine found; rates in 10⁹ operations a second, `at` in Unix seconds. */
export const challengeFindingSchema = z.object({
  at: z.int().nonnegative(),
  device: z.enum(['cpu', 'gpu']),
  verdict: z.enum(['met', 'below', 'unclaimed', 'unproven', 'unchecked']),
  /**
   * Why it is not verified, or `null`. Programs print it, and it may come from the machine itself: what has not the form
   * of a code reads as `UNPROVEN`, so that one machine cannot make a whole list unreadable.
   */
  code: z
    .string()
    .regex(/^[A-Z][A-Z0-9_]{0,63}$/)
    .nullable()
    .catch('UNPROVEN'),
  text,
  measured: z.number().nonnegative().nullable(),
  claimed: z.number().nonnegative().nullable(),
})

/** An offer in a list: its id, where it stands, and what the gateway knows of its asset. */
export const listingSchema = z.object({
  id: hashSchema,
  state: offerStateSchema,
  reliability: z.number().min(0).max(1).nullable(),
  verified: z.boolean(),
  challenge: challengeFindingSchema.nullable().default(null),
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

const time = z.int().nonnegative()
const count = z.int().nonnegative()

/** Chain, contracts and currencies of a gateway, and how far it has followed the chain. */
export const networkSchema = z.object({
  ...deploymentSchema.shape,
  head: z.object({ number: count, time, indexed: count, lag: z.int() }).nullable(),
})

/** State of a gateway: `ok`, `degraded` while the chain cannot be followed, `down` without its database. */
export const healthSchema = z.object({
  status: z.enum(['ok', 'degraded', 'down']),
  database: z.object({ engine: text, pingMs: z.number().nullable() }),
  chain: z.object({
    state: text,
    head: count.nullable(),
    indexed: count.nullable(),
    lag: z.int(),
    time: time.nullable(),
    error: text.nullable(),
  }),
  offers: z.object({ live: count, loaded: z.boolean() }),
  relay: z.object({ devices: count, sessions: count }),
  peers: z.array(z.object({ url: text, since: count, seenAt: time.nullable(), error: text.nullable() })),
})

/** An asset as the gateway's index has it. `leases` counts how its leases went. */
export const indexedAssetSchema = z.object({
  asset: id,
  kind: text,
  owner: addressSchema,
  operator: addressSchema,
  device: addressSchema,
  currency: addressSchema,
  spec: hashSchema,
  uri: text,
  registeredAt: time,
  leases: z.object({ opened: count, started: count, lapsed: count, broken: count, settled: count }),
  earned: amount,
  reliability: z.number().min(0).max(1).nullable(),
})

/** A lease as the gateway's index has it. Times in Unix seconds, amounts in base units. */
export const indexedLeaseSchema = z.object({
  id: hashSchema,
  state: z.enum(leaseStates),
  asset: id,
  buyer: addressSchema,
  operator: addressSchema,
  pricePerHour: amount,
  deposit: amount,
  bond: amount,
  duration: time,
  spec: hashSchema,
  terms: hashSchema,
  openedAt: time,
  startBy: time,
  startedAt: time.nullable(),
  endsAt: time.nullable(),
  stoppedAt: time.nullable(),
  stoppedBy: addressSchema.nullable(),
  settledAt: time.nullable(),
  earned: amount.nullable(),
  refunded: amount.nullable(),
  bondToBuyer: amount.nullable(),
  openedTx: hashSchema,
})

/** A page of leases, newest first. */
export const leasePageSchema = z.object({ leases: z.array(indexedLeaseSchema), next: text.nullable() })
/** A payment channel as the gateway's index has it; without a deposit it is closed. */
export const indexedChannelSchema = z.object({
  id: hashSchema,
  payer: addressSchema,
  signer: addressSchema,
  payee: addressSchema.nullable(),
  asset: id.nullable(),
  currency: addressSchema,
  closeDelay: time,
  salt: hashSchema,
  epoch: count,
  openedAt: time,
  deposit: amount,
  claimed: amount,
  claimedEver: amount,
  closesAt: time.nullable(),
})
/** A page of channels, those opened last first. */
export const channelPageSchema = z.object({ channels: z.array(indexedChannelSchema), next: text.nullable() })
/** A page of assets, by id. */
export const assetPageSchema = z.object({ assets: z.array(indexedAssetSchema), next: text.nullable() })

/** A till as the gateway's index has it: what it earned, how it was split, and its latest payments. */
export const indexedTillSchema = z.object({
  asset: id,
  bucket: z.object({ epoch: count, amount }),
  revenue: amount,
  payments: count,
  settled: z.object({ epoch: count, boundary: time }).nullable(),
  paid: z.object({
    fee: amount,
    upstream: amount,
    costs: amount,
    debt: amount,
    shares: amount,
    owner: amount,
  }),
  royalties: z.object({ due: amount, pulled: amount }),
  upstream: z.array(z.object({ asset: id, bps: count })),
  runningCosts: z.object({ perDay: amount, cap: amount }),
  debt: z.object({ module: addressSchema, held: amount }),
  shares: z.object({ module: addressSchema, bps: count }),
  latest: z.array(z.object({ payer: addressSchema, epoch: count, amount, time, tx: hashSchema })),
})

/** Balances of an account in the till. */
export const accountSchema = z.object({
  address: addressSchema,
  balances: z.array(
    z.object({ currency: addressSchema, balance: amount, deposited: amount, withdrawn: amount }),
  ),
})

/** What a gateway's own challenge found. */
export type ChallengeFinding = z.output<typeof challengeFindingSchema>
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
/** A payment channel as a gateway's index has it. */
export type IndexedChannel = z.output<typeof indexedChannelSchema>
/** A till as a gateway's index has it. */
export type IndexedTill = z.output<typeof indexedTillSchema>
/** Balances of an account in the till. */
export type IndexedAccount = z.output<typeof accountSchema>
