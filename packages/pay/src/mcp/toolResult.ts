import * as z from 'zod'

/** Where a tool call carries its payment, in `params._meta`, and its result what was settled, in `_meta`. */
export const metaKeys = {
  payment: 'x402/payment',
  response: 'x402/payment-response',
  /** Our own: the seller's signed receipt, as in header `Millrace-Receipt`. */
  receipt: 'millrace/receipt',
  /** Our own: a repetition with the same key and arguments is answered again and not charged again. */
  idempotencyKey: 'millrace/idempotency-key',
  /** Our own: the wish to end a channel, as in header `Millrace-Close`, and what is said of it. */
  close: 'millrace/close',
  closed: 'millrace/closed',
} as const

export const toolResultSchema = z.looseObject({
  content: z.array(z.looseObject({ type: z.string() })),
  isError: z.boolean().optional(),
  structuredContent: z.record(z.string(), z.unknown()).optional(),
  _meta: z.record(z.string(), z.unknown()).optional(),
})

/**
 * What a tool of the Model Context Protocol answers, as far as payment is concerned: any result of its SDK is one.
 *
 * @see https://modelcontextprotocol.io/specification/2025-11-25/server/tools
 */
export interface ToolResult {
  readonly [key: string]: unknown
  readonly content: readonly { readonly type: string; readonly [key: string]: unknown }[]
  readonly isError?: boolean | undefined
  readonly structuredContent?: Readonly<Record<string, unknown>> | undefined
  readonly _meta?: Readonly<Record<string, unknown>> | undefined
}
