import type { Hash } from 'viem'
import * as z from 'zod'
import { hashSchema } from '../border/primitives.ts'
import { hashCanonical } from '../canonical/hashCanonical.ts'

const script = z.string().max(65_536)

/** What a job may use; at most what its lease has. */
export const jobResourcesSchema = z.strictObject({
  cpus: z.number().positive(),
  memoryMiB: z.int().positive(),
  diskMiB: z.int().positive(),
  gpus: z.int().nonnegative(),
  network: z.enum(['none', 'public']),
})

/** A job (protocol §7). `run` and `setup` are shell scripts; `timeout` is in seconds. */
export const jobSchema = z.strictObject({
  version: z.literal(1),
  name: z.string().min(1).max(128),
  setup: script.exactOptional(),
  run: script.min(1),
  envs: z
    .record(
      z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,127}$/, 'must be the name of a variable'),
      z.string().max(32_768),
    )
    .refine((envs) => Object.keys(envs).length <= 256, 'must be at most 256 variables'),
  outputs: z.array(z.string().min(1).max(1024)).max(256).default(['out/**']),
  resources: jobResourcesSchema,
  timeout: z.int().positive().exactOptional(),
})

/** Names the bundle of a job: SHA-256 and bytes of the gzipped tar. */
export const bundleRefSchema = z.strictObject({ hash: hashSchema, size: z.int().nonnegative() })

/** What a buyer wants run. */
export type Job = z.output<typeof jobSchema>
/** What a job may use. */
export type JobResources = z.output<typeof jobResourcesSchema>
/** Names the bundle of a job. */
export type BundleRef = z.output<typeof bundleRefSchema>

/**
 * Names a job together with its files, for the receipt.
 *
 * @param job The job as sent to the machine.
 * @param bundle SHA-256 of its bundle, or `null` for none.
 * @returns keccak256 of the canonical JSON `{job, bundle}`.
 * @throws NotCanonicalError if the job holds something that JSON cannot.
 * @example
 * receipt.job === hashJob(job, bundle.hash)
 */
export function hashJob(job: Job, bundle: Hash | null): Hash {
  return hashCanonical({ job, bundle })
}
