import * as z from 'zod'
import { decodeHeader, encodeHeader } from './base64.ts'
import { networkOfV1, v1OfNetwork } from './networks.ts'
import {
  atomicSchema,
  type PaymentRequired,
  type PaymentRequirements,
  type ResourceInfo,
  type SettleResponse,
  settleResponseSchema,
} from './x402.ts'

/** The headers of x402 v1; what can be paid stands in the body. */
export const v1HeaderNames = { payment: 'X-PAYMENT', response: 'X-PAYMENT-RESPONSE' } as const

const v1NetworkSchema = z.string().refine((name) => networkOfV1(name) !== null, 'a network of x402 v1')

/** One way to pay, in x402 v1. */
export const v1RequirementsSchema = z.object({
  scheme: z.string().min(1).max(64),
  network: v1NetworkSchema,
  maxAmountRequired: atomicSchema,
  resource: z.string().min(1).max(4096),
  description: z.string().max(4096),
  mimeType: z.string().max(256).optional(),
  outputSchema: z.record(z.string(), z.unknown()).nullish(),
  payTo: z.string().min(1).max(128),
  maxTimeoutSeconds: z.int().positive(),
  asset: z.string().min(1).max(128),
  extra: z.record(z.string(), z.unknown()).nullish(),
})

/** Body of a 402 answer in x402 v1. */
export const v1RequiredSchema = z.object({
  x402Version: z.literal(1),
  error: z.string().max(4096).optional(),
  accepts: z.array(v1RequirementsSchema).max(64),
})

/** Header `X-PAYMENT`, base64 of this as JSON. */
export const v1PayloadSchema = z.object({
  x402Version: z.literal(1),
  scheme: z.string().min(1).max(64),
  network: v1NetworkSchema,
  payload: z.record(z.string(), z.unknown()),
})

export type V1Requirements = z.infer<typeof v1RequirementsSchema>
export type V1Required = z.infer<typeof v1RequiredSchema>
export type V1Payload = z.infer<typeof v1PayloadSchema>
/** Header `X-PAYMENT-RESPONSE`: as in v2, with the network's short name. */
export type V1SettleResponse = Omit<SettleResponse, 'network'> & { readonly network: string }

/**
 * Says requirements in x402 v1, which knows the scheme `exact` on a fixed list of chains only.
 *
 * @param requirements As in v2.
 * @param resource What is paid for.
 * @returns The same in v1, or null if v1 cannot say it: one entry that a v1 client does not know makes it fail for all.
 * @example
 * const accepts = required.accepts.flatMap((each) => toV1Requirements(each, required.resource) ?? [])
 */
export function toV1Requirements(
  requirements: PaymentRequirements,
  resource: ResourceInfo,
): V1Requirements | null {
  const { scheme, amount, asset, payTo, maxTimeoutSeconds, extra } = requirements
  const network = v1OfNetwork(requirements.network)
  if (network === null || scheme !== 'exact') return null
  return {
    scheme,
    network,
    maxAmountRequired: amount,
    resource: resource.url,
    description: resource.description ?? '',
    mimeType: resource.mimeType ?? '',
    payTo,
    maxTimeoutSeconds,
    asset,
    ...(extra === undefined ? {} : { extra }),
  }
}

/** Reads requirements of x402 v1 as those of v2. */
export function fromV1Requirements(requirements: V1Requirements): PaymentRequirements {
  const { scheme, network, maxAmountRequired, asset, payTo, maxTimeoutSeconds, extra } = requirements
  return {
    scheme,
    network: networkOfV1(network) ?? network,
    amount: maxAmountRequired,
    asset,
    payTo,
    maxTimeoutSeconds,
    ...(extra == null ? {} : { extra }),
  }
}

/** Servers that speak another API too put an object where v1 has its error. */
const v1OfferSchema = v1RequiredSchema.extend({
  error: z.string().max(4096).optional().catch(undefined),
  accepts: z.array(z.unknown()).max(64),
})

/**
 * Reads the body of a 402 answer in x402 v1 as what v2 asks for. Entries on networks that are not known here are left out.
 *
 * @param body Parsed JSON.
 * @returns The same in v2, one for each resource that is named; several where a server asks to be paid for several.
 * @throws ZodError where the body is none of v1, or no entry can be read.
 * @example
 * const [required] = readV1Required(await response.json())
 */
export function readV1Required(body: unknown): readonly [PaymentRequired, ...PaymentRequired[]] {
  const { error, accepts } = v1OfferSchema.parse(body)
  const read = accepts.flatMap((each) => v1RequirementsSchema.safeParse(each).data ?? [])
  const [first, ...others] = read
  // Says what is wrong with the first entry.
  if (first === undefined) throw v1RequirementsSchema.safeParse(accepts[0]).error ?? new z.ZodError([])
  const said = error === undefined ? {} : { error }
  const of = (url: string): PaymentRequired => {
    const entries = read.filter(({ resource }) => resource === url)
    const accepts = entries.map(fromV1Requirements)
    return { x402Version: 2, ...said, resource: { url }, accepts }
  }
  const urls = new Set(others.map(({ resource }) => resource).filter((url) => url !== first.resource))
  return [of(first.resource), ...[...urls].map(of)]
}

const v1SettleSchema = settleResponseSchema.extend({ network: z.string() })

/**
 * Reads header `X-PAYMENT-RESPONSE` as v2 says it.
 *
 * @throws HeaderTooLargeError, HeaderNotBase64Error, HeaderNotJsonError, HeaderFieldsError.
 */
export function decodeV1SettleResponse(header: string): SettleResponse {
  const settled = decodeHeader(v1HeaderNames.response, header, { schema: v1SettleSchema })
  return { ...settled, network: networkOfV1(settled.network) ?? settled.network }
}

/** Says what was settled in x402 v1. */
export const toV1SettleResponse = (response: SettleResponse): V1SettleResponse => ({
  ...response,
  network: v1OfNetwork(response.network) ?? response.network,
})

/** Writes header `X-PAYMENT`. */
export const encodeV1Payload = (payment: V1Payload): string => encodeHeader(v1HeaderNames.payment, payment)

/**
 * Reads header `X-PAYMENT` of x402 v1.
 *
 * @param header Its content.
 * @returns The payment, of which only the form has been checked.
 * @throws HeaderTooLargeError, HeaderNotBase64Error, HeaderNotJsonError, HeaderFieldsError.
 * @example
 * const payment = decodeV1Payload(request.headers.get('X-PAYMENT') ?? '')
 */
export const decodeV1Payload = (header: string): V1Payload =>
  decodeHeader(v1HeaderNames.payment, header, { schema: v1PayloadSchema })

/** Writes header `X-PAYMENT-RESPONSE`. */
export const encodeV1SettleResponse = (response: SettleResponse): string =>
  encodeHeader(v1HeaderNames.response, toV1SettleResponse(response))
