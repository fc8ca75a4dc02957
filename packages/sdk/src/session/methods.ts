import type { Hash, Hex } from 'viem'
import * as z from 'zod'
import { hashSchema } from '../border/primitives.ts'
import { type HaggleMessage, haggleMessageSchema } from '../haggling/message.ts'
import type { BundleRef, Job } from '../jobs/job.ts'
import { publishedOfferSchema } from '../market/offer.ts'
import { signedReceiptSchema } from '../receipts/receipt.ts'

/** Where a job stands. */
export const jobStateSchema = z.enum([
  'none',
  'accepted',
  'starting',
  'setup',
  'running',
  'collecting',
  'done',
  'failed',
  'stopped',
  'expired',
  'lost',
])

const bytes = z.int().nonnegative()
const time = z.number().nonnegative()

/** What a job used: seconds of processor time, bytes at the peak. */
export const jobUsageSchema = z.looseObject({
  cpuSeconds: z.number().nonnegative().optional(),
  memoryBytes: bytes.optional(),
  diskBytes: bytes.optional(),
})

/** Answer of `job.start`, `job.status`, `job.stop`, and content of the event `job`. Times in Unix seconds. */
export const jobStatusSchema = z.looseObject({
  state: jobStateSchema,
  exitCode: z.int().nullable().optional(),
  reason: z.string().nullable().optional(),
  startedAt: time.nullable().optional(),
  endedAt: time.nullable().optional(),
  endsAt: time.nullable().optional(),
  usage: jobUsageSchema.nullable().optional(),
})

/** Answer of `outputs.list`. */
export const outputsSchema = z.looseObject({
  files: z.array(z.looseObject({ path: z.string(), size: bytes, sha256: hashSchema })),
  archive: z.looseObject({ size: bytes, hash: hashSchema }),
})

const received = z.looseObject({ received: bytes })
const offset = z.looseObject({ offset: bytes })

/** What each method of protocol §6 answers. A buyer reads answers by these; a device may say more than they name. */
export const sessionResults = {
  ping: z.looseObject({ now: time, chainId: z.int().positive() }),
  /** The offer comes with the message, of whichever side, that made the agreement. */
  haggle: z.looseObject({
    answer: haggleMessageSchema.nullable(),
    offer: publishedOfferSchema.nullable(),
  }),
  'bundle.status': received,
  'bundle.write': received,
  'job.start': jobStatusSchema,
  'job.status': jobStatusSchema,
  'job.stop': jobStatusSchema,
  'logs.read': z.looseObject({ next: bytes }),
  'outputs.list': outputsSchema,
  'outputs.read': offset,
  'receipt.get': signedReceiptSchema,
  'receipt.acknowledge': signedReceiptSchema,
} as const

/** What each method of protocol §6 takes. */
export interface SessionParams {
  readonly ping: Readonly<Record<string, never>>
  readonly haggle: { readonly message: HaggleMessage }
  readonly 'bundle.status': BundleRef
  readonly 'bundle.write': { readonly hash: Hash; readonly offset: number }
  readonly 'job.start': { readonly job: Job; readonly bundle: BundleRef | null }
  readonly 'job.status': Readonly<Record<string, never>>
  readonly 'job.stop': Readonly<Record<string, never>>
  readonly 'logs.read': { readonly from: number; readonly follow: boolean }
  readonly 'outputs.list': Readonly<Record<string, never>>
  readonly 'outputs.read': { readonly offset: number; readonly length: number }
  readonly 'receipt.get': Readonly<Record<string, never>>
  readonly 'receipt.acknowledge': { readonly signature: Hex }
}

/** A method of protocol §6; `challenge.*` beside them. */
export type SessionMethod = keyof typeof sessionResults
/** What a method answers. */
export type SessionResult<method extends SessionMethod> = z.output<(typeof sessionResults)[method]>
/** Where a job stands. */
export type JobState = z.output<typeof jobStateSchema>
/** Answer of `job.start`, `job.status` and `job.stop`. */
export type JobStatus = z.output<typeof jobStatusSchema>
/** Answer of `outputs.list`. */
export type Outputs = z.output<typeof outputsSchema>
