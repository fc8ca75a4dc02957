import type { Hash } from 'viem'
import * as z from 'zod'
import { verbatimAddressSchema, verbatimHashSchema } from '../border/primitives.ts'
import { hashCanonical } from '../canonical/hashCanonical.ts'

/** Most GPUs that one offer names. */
const maxGpus = 64

/** Control and format characters: printed, they could rewrite a reader's terminal or make a name look like another. */
const unprintable = /[\p{Cc}\p{Cf}\u2028\u2029]/u

const text = (max: number) =>
  z
    .string()
    .min(1)
    .max(max)
    .refine((value) => !unprintable.test(value), 'must not hold control or format characters')

/** One GPU of an offer. */
export const gpuSchema = z.strictObject({
  name: text(64),
  memoryMiB: z.int().positive(),
  uuid: text(64),
  driver: text(32),
})

/**
 * What one lease gets (protocol §1). Fields are kept letter for letter, because the document is hashed; unknown
 * fields are refused, because a reader could not tell what they promise.
 */
export const specSchema = z.strictObject({
  version: z.literal(1),
  runner: z.string().regex(/^[a-z][a-z0-9-]{0,31}$/, 'must be lower-case letters, digits and dashes'),
  region: text(64).exactOptional(),
  network: z.enum(['none', 'public']),
  device: verbatimAddressSchema,
  sessionKey: verbatimHashSchema,
  os: text(32),
  arch: text(32),
  cpus: z.number().positive().max(65_536),
  cpuModel: text(128),
  memoryMiB: z.int().positive(),
  diskMiB: z.int().positive(),
  gpus: z.array(gpuSchema).max(maxGpus),
  measured: z
    .strictObject({
      cpuGflops: z.number().nonnegative(),
      gpuTflops: z.number().nonnegative(),
      at: z.int().nonnegative(),
    })
    .exactOptional(),
})

/** What one lease gets: processors, memory, disk, GPUs, network, and the keys of the machine. */
export type Spec = z.output<typeof specSchema>
/** One GPU of a spec. */
export type Gpu = z.output<typeof gpuSchema>

/**
 * Hashes a spec; the result stands in `offer.spec`.
 *
 * @param spec The spec as published.
 * @returns keccak256 of its canonical JSON.
 * @throws NotCanonicalError if the spec holds something that JSON cannot.
 * @example
 * const offer = { ...terms, spec: hashSpec(spec) }
 */
export function hashSpec(spec: Spec): Hash {
  return hashCanonical(spec)
}
