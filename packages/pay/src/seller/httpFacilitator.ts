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
export function httpFacilitator(options: HttpFacilitatorOptions): Pick<Facilitator, 'verify' | 'settle'> {
  const { url, timeoutMs = 90_000, fetch: send = fetch } = options

  async function ask<schema extends z.ZodType>(
    route: 'verify' | 'settle',
    pair: readonly [PaymentPayload, PaymentRequirements],
    schema: schema,
  ): Promise<z.output<schema>> {
    const [paymentPayload, paymentRequirements] = pair
    try {
      const response = await send(`${url.replace(/\/$/, '')}/${route}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ x402Version: 2, paymentPayload, paymentRequirements }),
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

  return {
    verify: (payment, requirements) => ask('verify', [payment, requirements], verifyResponseSchema),
    settle: (payment, requirements) => ask('settle', [payment, requirements], settledSchema),
  }
}
