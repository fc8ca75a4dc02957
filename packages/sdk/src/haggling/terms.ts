import type { Hash } from 'viem'
import * as z from 'zod'
import { verbatimAddressSchema, verbatimHashSchema } from '../border/primitives.ts'
import { hashCanonical } from '../canonical/hashCanonical.ts'

/** An amount kept as decimal digits, because the document is hashed. */
const digits = (bits: number) =>
  z
    .string()
    .regex(/^(0|[1-9][0-9]{0,77})$/, { error: 'must be a whole number in decimal digits', abort: true })
    .refine((value) => BigInt(value) < 1n << BigInt(bits), `must fit in ${bits} bits`)

const uint40 = z
  .int()
  .min(0)
  .max(2 ** 40 - 1)

/** What is bought: machine time by the hour, or calls of a service by the unit. Unknown fields are refused. */
export const haggleSubjectSchema = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('lease'), asset: digits(256), spec: verbatimHashSchema }),
  z.strictObject({
    type: z.literal('calls'),
    url: z.url({ protocol: /^https?$/ }).max(2048),
    unit: z.string().regex(/^[a-z][a-z0-9-]{0,31}$/, 'must be lower-case letters, digits and dashes'),
  }),
])

/** A call for proposals: what the buyer wants, from whom, and the bounds of every proposal. */
export const haggleCallSchema = z.strictObject({
  version: z.literal(1),
  /** 32 random bytes: two calls for the same thing are two haggles. */
  salt: verbatimHashSchema,
  buyer: verbatimAddressSchema,
  seller: verbatimAddressSchema,
  currency: verbatimAddressSchema,
  subject: haggleSubjectSchema,
  /** Seconds of a lease, or units of a service. */
  quantity: z.strictObject({ least: digits(128), most: digits(128) }),
  /** Most that may be proposed per hour or per unit, in base units. It is public: no reservation price. */
  maxPrice: digits(128),
  /** Most proposals of both sides together. */
  maxRounds: z.int().min(1).max(64),
  /** Last second of the haggle, Unix time. */
  deadline: uint40,
  /** Last second at which terms may be carried out, Unix time. */
  validUntil: uint40,
})

/** Terms that one side proposes and both may agree on. */
export const haggleTermsSchema = z.strictObject({
  version: z.literal(1),
  /** The haggle they belong to: the hash of its call. */
  haggle: verbatimHashSchema,
  buyer: verbatimAddressSchema,
  seller: verbatimAddressSchema,
  currency: verbatimAddressSchema,
  subject: haggleSubjectSchema,
  quantity: digits(128),
  /** Per hour of a lease or per unit of a service, in base units. */
  price: digits(128),
  validUntil: uint40,
})

/** What is bought. */
export type HaggleSubject = z.output<typeof haggleSubjectSchema>
/** A call for proposals. */
export type HaggleCall = z.output<typeof haggleCallSchema>
/** Terms of a deal; amounts as decimal strings, because the document is hashed as it stands. */
export type HaggleTerms = z.output<typeof haggleTermsSchema>

/**
 * Names a haggle by its call.
 *
 * @param call The call for proposals.
 * @returns keccak256 of its canonical JSON.
 * @throws NotCanonicalError if the call holds something that JSON cannot.
 * @example
 * const haggle = hashHaggleCall(call)
 */
export function hashHaggleCall(call: HaggleCall): Hash {
  return hashCanonical(call)
}

/**
 * Hashes terms; the result stands in `terms` of the offer or the voucher that carries them out.
 *
 * @param terms The terms.
 * @returns keccak256 of their canonical JSON.
 * @throws NotCanonicalError if the terms hold something that JSON cannot.
 * @example
 * const offer = { ...terms, terms: hashHaggleTerms(agreed) }
 */
export function hashHaggleTerms(terms: HaggleTerms): Hash {
  return hashCanonical(terms)
}
