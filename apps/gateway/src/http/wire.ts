import { z } from '@hono/zod-openapi'
import { addressSchema, hashSchema, uintSchema } from '@millrace/sdk'

/** Shapes as they travel in JSON, for the OpenAPI document. What comes in is checked by the SDK's schemas. */

export const address = z
  .string()
  .regex(/^0x[0-9a-fA-F]{40}$/)
  .openapi({ description: 'Address', example: '0x5FbDB2315678afecb367f032d93F642f64180aa3' })
export const hash = z
  .string()
  .regex(/^0x[0-9a-fA-F]{64}$/)
  .openapi({ description: '32 bytes' })
export const bytes = z.string().regex(/^0x([0-9a-fA-F]{2})*$/)
export const amount = z
  .string()
  .regex(/^[0-9]+$/)
  .openapi({ description: 'Whole number in decimal digits, base units' })
export const seconds = z.int().min(0).openapi({ description: 'Unix seconds, or a duration in seconds' })

export const errorAnswer = z
  .object({
    error: z.object({
      code: z.string().openapi({ example: 'OFFER_EXPIRED' }),
      message: z.string(),
      details: z.record(z.string(), z.unknown()),
    }),
  })
  .openapi('Error')

export const spec = z
  .object({
    version: z.literal(1),
    runner: z.string(),
    region: z.string().optional(),
    network: z.enum(['none', 'public']),
    device: address,
    sessionKey: hash,
    os: z.string(),
    arch: z.string(),
    cpus: z.number(),
    cpuModel: z.string(),
    memoryMiB: z.int(),
    diskMiB: z.int(),
    gpus: z.array(z.object({ name: z.string(), memoryMiB: z.int(), uuid: z.string(), driver: z.string() })),
    measured: z.object({ cpuGflops: z.number(), gpuTflops: z.number(), at: seconds }).optional(),
  })
  .openapi('Spec')

export const publishedOffer = z
  .object({
    chainId: z.int(),
    market: address,
    currency: address,
    operator: address,
    offer: z.object({
      asset: amount,
      buyer: address,
      pricePerHour: amount,
      bond: amount,
      minDuration: seconds,
      maxDuration: seconds,
      startWindow: seconds,
      expiry: seconds,
      spec: hash,
      terms: hash,
      nonce: amount,
    }),
    signature: bytes,
    spec,
    gateways: z.array(z.string()),
  })
  .openapi('PublishedOffer')

export const offerState = z.enum(['live', 'withdrawn', 'cancelled', 'opened', 'void', 'expired'])

export const challengeFinding = z
  .object({
    at: seconds,
    device: z.enum(['cpu', 'gpu']),
    verdict: z.enum(['met', 'below', 'unclaimed', 'unproven', 'unchecked']),
    code: z.string().nullable().openapi({ description: 'Why it is not verified', example: 'CLAIM_BELOW' }),
    text: z.string(),
    measured: z.number().nullable().openapi({ description: '10⁹ operations a second' }),
    claimed: z.number().nullable().openapi({ description: '10⁹ operations a second' }),
  })
  .openapi('ChallengeFinding')

export const listing = z
  .object({
    id: hash,
    state: offerState,
    reliability: z.number().min(0).max(1).nullable(),
    verified: z.boolean(),
    challenge: challengeFinding.nullable(),
    published: publishedOffer,
  })
  .openapi('Listing')

/** Responses that any route may give. */
export const faults = {
  default: {
    description: 'Refused or failed; the code says why',
    content: { 'application/json': { schema: errorAnswer } },
  },
} as const

/** A response of JSON. */
export function json<S extends z.ZodType>(schema: S, description: string) {
  return { description, content: { 'application/json': { schema } } } as const
}

/** Fields of paths and queries: text for the document, read by the SDK's schemas. */
export const read = {
  address: z.string().openapi({ description: 'Address' }).pipe(addressSchema),
  hash: z.string().openapi({ description: '32 bytes in hex' }).pipe(hashSchema),
  asset: z.string().openapi({ description: "An asset's id", example: '1' }).pipe(uintSchema(256)),
  cursor: z.string().openapi({ description: "A page's `next`" }).pipe(uintSchema(63)),
} as const
