import { addressSchema } from '@millrace/sdk'
import * as z from 'zod'
import type { Facilitator } from '../facilitator/openFacilitator.ts'
import {
  type PaymentPayload,
  type PaymentRequirements,
  settleResponseSchema,
  verifyResponseSchema,
} from '../wire/x402.ts'
import { FacilitatorUnreachableError } from './errors.ts'

export interface HttpFacilitatorOptions {
  /** Where its routes `/verify` and `/settle` are. */
  readonly url: string
  /** Milliseconds; 90 000 by default. */
  readonly timeoutMs?: number
  readonly fetch?: typeof fetch
}

// A failed settlement may name no network.
const settledSchema = settleResponseSchema.extend({ network: z.string() })
const supportedSchema = z.object({
  kinds: z.array(
    z.object({
      x402Version: z.union([z.literal(1), z.literal(2)]),
      scheme: z.string(),
      network: z.string(),
      extra: z.record(z.string(), z.unknown()).optional(),
    }),
  ),
  extensions: z.array(z.string()).default([]),
  signers: z.record(z.string(), z.array(addressSchema)).default({}),
})

/**
 * Speaks to a facilitator of x402 over HTTP. An answer that does not come, or is none, is FacilitatorUnreachableError; after
 * `/settle` that says nothing about whether the payment was settled.
 *
 * @param options Where it is, and how long to wait.
 * @returns What `exactScheme` takes.
 * @see https://github.com/x402-foundation/x402/blob/main/specs/x402-specification-v2.md
 * @example
 * const scheme = exactScheme({ currencies, facilitator: httpFacilitator({ url: 'https://facilitator.example' }) })
 */
export function httpFacilitator(
  options: HttpFacilitatorOptions,
): Pick<Facilitator, 'verify' | 'settle' | 'supported'> {
  const { url, timeoutMs = 90_000, fetch: send = fetch } = options

  async function fetchJson<schema extends z.ZodType>(
    route: 'verify' | 'settle' | 'supported',
    init: RequestInit,
    schema: schema,
  ): Promise<z.output<schema>> {
    try {
      const response = await send(`${url.replace(/\/$/, '')}/${route}`, {
        ...init,
        signal: AbortSignal.timeout(timeoutMs),
      })
      // A refusal may come with any status; what counts is the body.
      const answer = schema.parse(await response.json())
      if (response.status >= 500)
        throw new FacilitatorUnreachableError({ url, route, reason: `status ${response.status}` })
      return answer
    } catch (cause) {
      if (cause instanceof FacilitatorUnreachableError) throw cause
      const reason = cause instanceof Error ? cause.message : 'no answer'
      throw new FacilitatorUnreachableError({ url, route, reason, cause })
    }
  }

  const ask = <schema extends z.ZodType>(
    route: 'verify' | 'settle',
    [paymentPayload, paymentRequirements]: readonly [PaymentPayload, PaymentRequirements],
    schema: schema,
  ) => {
    const body = JSON.stringify({ x402Version: 2, paymentPayload, paymentRequirements })
    const headers = { 'content-type': 'application/json' }
    return fetchJson(route, { method: 'POST', headers, body }, schema)
  }

  return {
    verify: (payment, requirements) => ask('verify', [payment, requirements], verifyResponseSchema),
    settle: (payment, requirements) => ask('settle', [payment, requirements], settledSchema),
    supported: () => fetchJson('supported', {}, supportedSchema),
  }
}
