import type { Address, Hash } from 'viem'
import * as z from 'zod'
import { addressSchema, hashSchema, uintSchema } from '../border/primitives.ts'

const numberOf = (bits: number) =>
  z
    .int()
    .min(0)
    .max(2 ** bits - 1)

/** Terms of a loan in JSON, read into the form the contract takes. */
export const loanTermsSchema = z.strictObject({
  collateral: z
    .array(z.strictObject({ asset: uintSchema(256), above: hashSchema }))
    .min(1)
    .max(8),
  clusters: z.tuple([hashSchema, hashSchema, hashSchema]),
  borrower: addressSchema,
  underwriter: addressSchema,
  vendor: addressSchema,
  limit: uintSchema(88),
  firstDraws: uintSchema(88),
  ahead: uintSchema(88),
  rate: numberOf(24),
  premiumBps: numberOf(16),
  rampEnd: numberOf(32),
  maturity: numberOf(32),
  revenueBps: numberOf(16),
  dscrBps: numberOf(16),
  ltvBps: numberOf(16),
  multipleBps: numberOf(32),
  coverBps: numberOf(16),
  obligor: hashSchema,
  expiry: numberOf(32),
  nonce: uintSchema(256),
})

/** An asset that secures a loan. */
export interface Collateral {
  readonly asset: bigint
  /** Hash of what is paid before debt in its till, from `aboveOf`; if that changes the loan cannot be opened. */
  readonly above: Hash
}

/**
 * All that a loan is; its id is their hash. Amounts in base units of the facility's currency, times in Unix seconds, bps in
 * ten-thousandths.
 */
export interface LoanTerms {
  /** 1 to 8 assets in ascending order. */
  readonly collateral: readonly Collateral[]
  /** What it hangs on: hardware generation, customer, region. Zero for none. */
  readonly clusters: readonly [Hash, Hash, Hash]
  /** Owner of the assets. */
  readonly borrower: Address
  /** Whose stake takes the first loss; a listed one. */
  readonly underwriter: Address
  /** Account that draws are paid to; zero for the borrower's own. */
  readonly vendor: Address
  /** Most that can be drawn in all. */
  readonly limit: bigint
  /** What can be drawn before the underwriter releases more. */
  readonly firstDraws: bigint
  /** What others may draw on the same assets and are paid before: the sum of their caps in the ranks. 0 for a first lien. */
  readonly ahead: bigint
  /** Parts per million a year of 365 days, on principal. */
  readonly rate: number
  /** The underwriter's part of the interest that is paid. */
  readonly premiumBps: number
  /** Until then only interest is due, nothing is late, and money can be drawn. */
  readonly rampEnd: number
  /** From the ramp's end to here the principal is repaid in equal parts by the second. */
  readonly maturity: number
  /** Part of what reaches debt that is taken even ahead of the plan. */
  readonly revenueBps: number
  /** Coverage below which everything is swept to debt; 0 for no covenant. */
  readonly dscrBps: number
  /** Part of the appraised value that is lent on; 0 for a loan that no sale secures. */
  readonly ltvBps: number
  /** Part of the trailing revenue that is lent on. */
  readonly multipleBps: number
  /** Stake for each unit of principal that the value does not carry. */
  readonly coverBps: number
  /** Who owes, in the curator's list of names. Not zero. */
  readonly obligor: Hash
  /** Last second at which the loan can be opened. */
  readonly expiry: number
  /** Makes two loans with the same terms two loans. */
  readonly nonce: bigint
}

/** Terms as they travel in JSON: amounts and ids are decimal strings. */
export type LoanTermsJson = z.input<typeof loanTermsSchema>

/**
 * Writes the terms of a loan for JSON.
 *
 * @param terms The terms in their inner form.
 * @returns The same with amounts and ids as decimal strings; `loanTermsSchema` reads it back.
 * @example
 * JSON.stringify(loanTermsToJson(loanTerms))
 */
export function loanTermsToJson(terms: LoanTerms): LoanTermsJson {
  return {
    ...terms,
    collateral: terms.collateral.map(({ asset, above }) => ({ asset: asset.toString(), above })),
    clusters: [...terms.clusters],
    limit: terms.limit.toString(),
    firstDraws: terms.firstDraws.toString(),
    ahead: terms.ahead.toString(),
    nonce: terms.nonce.toString(),
  }
}
