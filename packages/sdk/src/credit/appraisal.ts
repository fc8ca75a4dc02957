import type { Address, Hex } from 'viem'
import * as z from 'zod'
import { addressSchema, signatureSchema, uintSchema } from '../border/primitives.ts'

const uint32Schema = z
  .int()
  .min(0)
  .max(2 ** 32 - 1)

/** A signed appraisal in JSON, read into the form the contract takes. */
export const signedAppraisalSchema = z.strictObject({
  appraisal: z.strictObject({
    panel: uintSchema(256),
    asset: uintSchema(256),
    value: uintSchema(88),
    asOf: uint32Schema,
    expiry: uint32Schema,
    curve: uint32Schema,
  }),
  appraiser: addressSchema,
  signature: signatureSchema,
})

/** A published depreciation curve. */
export interface DepreciationCurve {
  /** Seconds in which half of the value is lost; a day or more. */
  readonly halfLife: number
  /** Part that a sale brings less, in ten-thousandths. */
  readonly haircutBps: number
}

/** What one appraiser says an asset is worth. */
export interface Appraisal {
  readonly panel: bigint
  readonly asset: bigint
  /** Base units of the asset's currency. */
  readonly value: bigint
  /** Unix seconds. */
  readonly asOf: number
  /** Last second at which it counts as fresh. */
  readonly expiry: number
  /** Depreciation from `asOf` on, by the number of its curve. */
  readonly curve: number
}

/** An appraisal with who signed it. */
export interface SignedAppraisal {
  readonly appraisal: Appraisal
  readonly appraiser: Address
  readonly signature: Hex
}

/** A signed appraisal as it travels in JSON: amounts and ids are decimal strings. */
export type SignedAppraisalJson = z.input<typeof signedAppraisalSchema>

/**
 * Writes a signed appraisal for JSON.
 *
 * @param signed The appraisal in its inner form.
 * @returns The same with amounts and ids as decimal strings; `signedAppraisalSchema` reads it back.
 * @example
 * JSON.stringify(signedAppraisalToJson(signedAppraisal))
 */
export function signedAppraisalToJson(signed: SignedAppraisal): SignedAppraisalJson {
  const { panel, asset, value } = signed.appraisal
  return {
    ...signed,
    appraisal: {
      ...signed.appraisal,
      panel: panel.toString(),
      asset: asset.toString(),
      value: value.toString(),
    },
  }
}
