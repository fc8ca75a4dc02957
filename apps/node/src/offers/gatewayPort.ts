import type { PublishedOfferJson } from '@millrace/sdk'
import type { Hex } from 'viem'
import { z } from 'zod'
import { GatewayFailedError } from './errors.ts'

const publishedSchema = z.looseObject({
  accepted: z.array(z.string()),
  rejected: z.array(z.looseObject({ index: z.number(), code: z.string(), message: z.string() })),
})

/** What the node asks of a gateway over HTTP. */
export interface GatewayPort {
  readonly url: string
  /** Publishes offers; returns why some were not taken. Throws `GatewayFailedError`. */
  publish(
    offers: readonly PublishedOfferJson[],
  ): Promise<readonly { index: number; code: string; message: string }[]>
  /** Hides an offer. Throws `GatewayFailedError`. */
  withdraw(offer: Hex, at: number, signature: Hex): Promise<void>
}

/** A gateway at `url`; calls are given up after `timeout` seconds. */
export function gatewayPort(url: string, timeout: number): GatewayPort {
  const base = url.replace(/\/$/, '')
  async function post(path: string, body: unknown): Promise<unknown> {
    let response: Response
    try {
      response = await fetch(`${base}${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
        signal: AbortSignal.timeout(timeout * 1000),
      })
    } catch (cause) {
      throw new GatewayFailedError({ gateway: base, reason: 'it does not answer', cause })
    }
    const answer: unknown = await response.json().catch(() => null)
    if (response.ok) return answer
    const error = z
      .looseObject({ error: z.looseObject({ code: z.string(), message: z.string() }) })
      .safeParse(answer)
    throw new GatewayFailedError({
      gateway: base,
      reason: error.success
        ? `${error.data.error.code}: ${error.data.error.message}`
        : `HTTP ${response.status}`,
    })
  }
  return {
    url: base,
    async publish(offers) {
      const answer = publishedSchema.safeParse(await post('/v1/offers', { offers }))
      if (!answer.success)
        throw new GatewayFailedError({ gateway: base, reason: 'its answer cannot be understood' })
      return answer.data.rejected
    },
    async withdraw(offer, at, signature) {
      await post(`/v1/offers/${offer}/withdraw`, { at, signature })
    },
  }
}
