import * as z from 'zod'

/** Amounts on the wire are whole base units of the currency, in decimal. */
export const atomicSchema = z.string().regex(/^(0|[1-9]\d{0,77})$/, 'a whole number of base units in decimal')
/** CAIP-2 name of a chain: `eip155:31337`. */
export const networkSchema = z.string().regex(/^[-a-z0-9]{3,8}:[-_a-zA-Z0-9]{1,32}$/, 'a CAIP-2 network')

/** What is paid for, in x402 v2. */
export const resourceInfoSchema = z.object({
  url: z.string().min(1).max(4096),
  description: z.string().max(4096).optional(),
  mimeType: z.string().max(256).optional(),
  serviceName: z
    .string()
    .regex(/^[\x20-\x7e]{1,32}$/)
    .optional(),
  tags: z.array(z.string().min(1).max(32)).max(5).optional(),
  iconUrl: z.string().max(2048).optional(),
})

/** One way to pay, in x402 v2. */
export const paymentRequirementsSchema = z.object({
  scheme: z.string().min(1).max(64),
  network: networkSchema,
  amount: atomicSchema,
  asset: z.string().min(1).max(128),
  payTo: z.string().min(1).max(128),
  maxTimeoutSeconds: z.int().positive(),
  extra: z.record(z.string(), z.unknown()).optional(),
})

/** An extension: what the server says, and the schema of what a client may add. */
export const extensionsSchema = z.record(z.string(), z.unknown())

/** Header `PAYMENT-REQUIRED`, base64 of this as JSON. */
export const paymentRequiredSchema = z.object({
  x402Version: z.literal(2),
  error: z.string().max(4096).optional(),
  resource: resourceInfoSchema,
  accepts: z.array(paymentRequirementsSchema).min(1).max(64),
  extensions: extensionsSchema.optional(),
})

/** Header `PAYMENT-SIGNATURE`, base64 of this as JSON. */
export const paymentPayloadSchema = z.object({
  x402Version: z.literal(2),
  resource: resourceInfoSchema.optional(),
  accepted: paymentRequirementsSchema,
  payload: z.record(z.string(), z.unknown()),
  extensions: extensionsSchema.optional(),
})

/** Answer of a facilitator's `/verify`. */
export const verifyResponseSchema = z.object({
  isValid: z.boolean(),
  invalidReason: z.string().optional(),
  invalidMessage: z.string().optional(),
  payer: z.string().optional(),
  extra: z.record(z.string(), z.unknown()).optional(),
})

/** Answer of a facilitator's `/settle`, and header `PAYMENT-RESPONSE`. `transaction` is empty where there is none. */
export const settleResponseSchema = z.object({
  success: z.boolean(),
  transaction: z.string(),
  network: networkSchema,
  payer: z.string().optional(),
  /** Some say '' where nothing was moved on chain. */
  amount: z
    .literal('')
    .transform(() => undefined)
    .or(atomicSchema)
    .optional(),
  errorReason: z.string().optional(),
  errorMessage: z.string().optional(),
  extensions: extensionsSchema.optional(),
  extra: z.record(z.string(), z.unknown()).optional(),
})

export type ResourceInfo = z.infer<typeof resourceInfoSchema>
export type PaymentRequirements = z.infer<typeof paymentRequirementsSchema>
export type PaymentRequired = z.infer<typeof paymentRequiredSchema>
export type PaymentPayload = z.infer<typeof paymentPayloadSchema>
export type VerifyResponse = z.infer<typeof verifyResponseSchema>
export type SettleResponse = z.infer<typeof settleResponseSchema>
