import { type Address, type Hash, hashTypedData } from 'viem'
import * as z from 'zod'
import { addressSchema, hashSchema, signatureSchema } from '../border/primitives.ts'
import type { MarketDomain } from '../market/domain.ts'
import { type HaggleCall, type HaggleTerms, haggleCallSchema, haggleTermsSchema } from './terms.ts'

const head = {
  haggle: hashSchema,
  /** Digest of the message that this one answers; zero for the call. */
  answers: hashSchema,
  sender: addressSchema,
  /** Hash of the document: the call's or the terms'; zero for a rejection. */
  content: hashSchema,
  signature: signatureSchema,
}

/** A signed message of a haggle as it travels in JSON. */
export const haggleMessageSchema = z.discriminatedUnion('act', [
  z.strictObject({ act: z.literal('call'), ...head, call: haggleCallSchema }),
  z.strictObject({ act: z.literal('propose'), ...head, terms: haggleTermsSchema }),
  z.strictObject({ act: z.literal('counter'), ...head, terms: haggleTermsSchema }),
  z.strictObject({ act: z.literal('accept'), ...head }),
  z.strictObject({ act: z.literal('reject'), ...head }),
])

/** A signed message of a haggle. */
export type HaggleMessage = z.output<typeof haggleMessageSchema>
/** What a message does. */
export type HaggleAct = HaggleMessage['act']

/** What is said, before head and signature: the call, a price, yes or no. */
export type HaggleSpeech =
  | { readonly act: 'call'; readonly call: HaggleCall }
  | { readonly act: 'propose' | 'counter'; readonly terms: HaggleTerms }
  | { readonly act: 'accept' | 'reject' }

/** The signed part of a message. */
export interface HaggleHead {
  readonly act: HaggleAct
  readonly haggle: Hash
  readonly answers: Hash
  readonly sender: Address
  readonly content: Hash
}

export const haggleTypes = {
  HaggleMessage: [
    { name: 'haggle', type: 'bytes32' },
    { name: 'answers', type: 'bytes32' },
    { name: 'sender', type: 'address' },
    { name: 'act', type: 'string' },
    { name: 'content', type: 'bytes32' },
  ],
} as const

/** The EIP-712 domain of haggling. */
export const haggleDomain = ({ chainId, market }: MarketDomain) =>
  ({ name: 'Millrace Haggle', version: '1', chainId, verifyingContract: market }) as const

/**
 * Names a message: the digest that its sender signs and the next message answers. Since each message holds the digest
 * of the one before, the last digest names the whole transcript.
 *
 * @param message The message, or its signed part.
 * @param domain Chain id and market of the haggle.
 * @returns The EIP-712 digest.
 * @see https://eips.ethereum.org/EIPS/eip-712
 * @example
 * const digest = hashHaggleMessage(said, { chainId: 31337, market })
 */
export function hashHaggleMessage(message: HaggleHead, domain: MarketDomain): Hash {
  const { haggle, answers, sender, act, content } = message
  return hashTypedData({
    domain: haggleDomain(domain),
    types: haggleTypes,
    primaryType: 'HaggleMessage',
    message: { haggle, answers, sender, act, content },
  })
}
