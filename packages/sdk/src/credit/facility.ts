import type { Address } from 'viem'
import * as z from 'zod'
import { addressSchema, uintSchema } from '../border/primitives.ts'

const numberOf = (bits: number) =>
  z
    .int()
    .min(0)
    .max(2 ** bits - 1)

/** Rules of a facility in JSON, read into the form the contract takes. */
export const facilityRulesSchema = z.strictObject({
  book: z.strictObject({
    currency: addressSchema,
    seniorRate: numberOf(24),
    minJuniorBps: numberOf(16),
    grace: numberOf(32),
    panel: numberOf(32),
    auctionBps: numberOf(16),
    auctionHalfLife: numberOf(32),
    bounty: uintSchema(88),
  }),
  desk: z.strictObject({
    maxLtvBps: numberOf(16),
    maxMultipleBps: numberOf(32),
    minCoverBps: numberOf(16),
    maxObligorBps: numberOf(16),
    maxClusterBps: numberOf(16),
    minObligorBets: numberOf(32),
    minClusterBets: numberOf(32),
    maxRamp: numberOf(32),
    maxTerm: numberOf(32),
    evidencePanel: z.nullable(numberOf(32)),
  }),
})

/** Rules of a loan book, fixed when it is made. Amounts in base units, times in seconds, bps in ten-thousandths. */
export interface BookRules {
  readonly currency: Address
  /** What senior claims, in parts per million a year on what it put in. */
  readonly seniorRate: number
  /** Junior's least part of the conservative value. */
  readonly minJuniorBps: number
  /** Between two steps from late to default; three epochs of the till or more. */
  readonly grace: number
  /** Panel whose appraisals count. */
  readonly panel: number
  /** Start of an auction, as a part of the appraised value. */
  readonly auctionBps: number
  /** In which the auction's price halves. */
  readonly auctionHalfLife: number
  /** What a step of `pokeLoan` pays, out of the loan's stake. */
  readonly bounty: bigint
}

/** What a desk may agree to, fixed when it is made. */
export interface DeskRules {
  /** Most that terms may lend on an appraisal. */
  readonly maxLtvBps: number
  /** Most that terms may lend on trailing revenue. */
  readonly maxMultipleBps: number
  /** Least cover that terms may have. */
  readonly minCoverBps: number
  /** Largest part of the value that one obligor may have drawn. */
  readonly maxObligorBps: number
  /** Largest part of the value that may hang on one cluster. */
  readonly maxClusterBps: number
  /** Least effective number of obligors, × 100. */
  readonly minObligorBets: number
  /** The same for clusters, each of the three kinds by itself. */
  readonly minClusterBets: number
  /** Most seconds from the day of signing to a ramp's end. */
  readonly maxRamp: number
  /** Most seconds to a maturity. */
  readonly maxTerm: number
  /**
   * Panel that says how much of an asset's trailing revenue came from outside: no more is lent on, and nothing without its word.
   * `null` for a facility that does not ask.
   */
  readonly evidencePanel: number | null
}

/** How the chain writes that a facility asks for no evidence. */
const noPanel = 2 ** 32 - 1

/**
 * Rules of a desk as the chain keeps them.
 *
 * @internal
 */
export function deskRulesToChain({ evidencePanel, ...rules }: DeskRules): DeskRules & {
  readonly evidencePanel: number
} {
  return { ...rules, evidencePanel: evidencePanel ?? noPanel }
}

/**
 * Rules of a desk as the chain shows them.
 *
 * @internal
 */
export function deskRulesFromChain({ evidencePanel, ...rules }: DeskRules): DeskRules {
  return { ...rules, evidencePanel: evidencePanel === noPanel ? null : evidencePanel }
}

/** All rules of a facility. */
export interface FacilityRules {
  readonly book: BookRules
  readonly desk: DeskRules
}

/** The contracts of one facility. */
export interface FacilityContracts {
  readonly facility: Address
  readonly desk: Address
  readonly senior: Address
  readonly junior: Address
}

/** The two lines of lenders. */
export type FacilityLine = 'senior' | 'junior'

/** Shares that a vault counts and nobody has, so that being the first gives no power over the price. */
export const virtualShares = 1_000_000n
