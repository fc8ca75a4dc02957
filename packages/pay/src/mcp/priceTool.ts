import { askPaywallToClose } from '../seller/askPaywallToClose.ts'
import { callReceiptHeader } from '../seller/callReceipt.ts'
import { overridesHeader } from '../seller/overrides.ts'
import type { PaidCall, PaidRoute, Paywall } from '../seller/paywall.ts'
import type { Price } from '../seller/scheme.ts'
import { encodeHeader } from '../wire/base64.ts'
import { WireError } from '../wire/errors.ts'
import { decodePaymentRequired, decodeSettleResponse, headerNames } from '../wire/headers.ts'
import type { PaymentRequired } from '../wire/x402.ts'
import { type ClosedResult, closedResult } from './closeTool.ts'
import { metaKeys, type ToolResult, toolResultSchema } from './toolResult.ts'
import { argumentBytes, toolUrl } from './toolUrl.ts'

/** A tool that is sold. */
export interface PaidTool<input> extends Pick<PaidRoute, 'resource' | 'ahead'> {
  /** Its name, by which it is registered. */
  readonly tool: string
  /** Of a call; 0 is free. */
  readonly price: Price | ((input: input) => Price | Promise<Price>)
  /**
   * Whether the tool declares an output schema. Official clients hold everything structured that a tool answers against it, so
   * what is to be paid is then said as text only.
   */
  readonly hasOutputSchema?: boolean
}

/** What a handler may know and say of the payment of its call. */
export interface PaidToolCall extends PaidCall {
  /** Says what was used, in base units, where the price is a ceiling (`upTo`). */
  charge(amount: bigint): void
}

/** The part of the SDK's second argument that payment is in; the rest is passed on. */
export interface ToolExtra {
  readonly _meta?: Readonly<Record<string, unknown>> | undefined
}

/** Answers a call for which money is held; the payment is null where the call is free. */
export type PaidToolHandler<input, extra extends ToolExtra, result extends ToolResult> = (
  input: input,
  extra: extra,
  call: PaidToolCall | null,
) => result | Promise<result>

/** What is to be paid, or why nothing was answered. */
export interface ToolRefusal {
  [key: string]: unknown
  isError: true
  content: { type: 'text'; text: string }[]
  structuredContent?: Record<string, unknown>
  _meta?: Record<string, unknown>
}

/**
 * Puts a price on a tool of an MCP server, in x402's form for MCP, by the same paywall as HTTP: what is to be paid is a result
 * with `isError`, the payment comes in `_meta["x402/payment"]`, and what was settled goes back in
 * `_meta["x402/payment-response"]`. A result that is an error is not charged.
 *
 * @param paywall From `createPaywall`: every way to be paid that it has.
 * @param sold The tool's name and price.
 * @param handler Answers once money is held.
 * @returns What `McpServer.registerTool` takes for a tool with an input schema; also good for a `CallToolRequestSchema`
 * handler, with `params.arguments` and `{ _meta: params._meta }`.
 * @see https://github.com/x402-foundation/x402/blob/main/specs/transports-v2/mcp.md
 * @example
 * server.registerTool('add', { inputSchema }, priceTool(paywall, { tool: 'add', price: { amount: 1000n } }, add))
 */
export function priceTool<input, extra extends ToolExtra, result extends ToolResult>(
  paywall: Paywall,
  sold: PaidTool<input>,
  handler: PaidToolHandler<input, extra, result>,
): (input: input, extra: extra) => Promise<result | ToolRefusal | ClosedResult> {
  const { tool, price, resource, ahead = false, hasOutputSchema = false } = sold
  const route = { ahead, resource: { mimeType: 'application/json', ...resource } }

  return async (input, extra) => {
    const wish = extra._meta?.[metaKeys.close]
    if (wish !== undefined)
      return closedResult(await askPaywallToClose(paywall, { url: toolUrl(tool), wish }))
    const headers = new Headers({ 'content-type': 'application/json' })
    const { [metaKeys.payment]: payment, [metaKeys.idempotencyKey]: key } = extra._meta ?? {}
    try {
      if (payment !== undefined) headers.set(headerNames.payment, encodeHeader(headerNames.payment, payment))
    } catch (error) {
      if (error instanceof WireError) {
        const { code, message, remedy } = error
        return refusalOf({ error: { code, message, remedy } })
      }
      throw error
    }
    if (typeof key === 'string' && /^[\x21-\x7e]{1,255}$/.test(key)) headers.set('idempotency-key', key)
    const request = new Request(toolUrl(tool), { method: 'POST', headers, body: argumentBytes(input) })
    const priced = { ...route, price: typeof price === 'function' ? await price(input) : price }
    const response = await paywall.charge(request, priced, async (_, call) => {
      let used: bigint | null = null
      const charge = (amount: bigint) => {
        used = amount
      }
      const result = await handler(input, extra, call === null ? null : { ...call, charge })
      const said = used === null ? {} : { [overridesHeader]: JSON.stringify({ amount: String(used) }) }
      return Response.json(result, { status: result.isError === true ? 500 : 200, headers: said })
    })
    return resultOf<result>(response, hasOutputSchema)
  }
}

async function resultOf<result extends ToolResult>(
  response: Response,
  hasOutputSchema: boolean,
): Promise<result | ToolRefusal> {
  const { headers } = response
  const required = headers.get(headerNames.required)
  const said = headers.get(headerNames.response)
  const settled = said === null ? {} : { [metaKeys.response]: decodeSettleResponse(said) }
  if (required !== null) {
    await response.body?.cancel()
    return demandOf({ ...decodePaymentRequired(required), ...settled }, { settled, hasOutputSchema })
  }
  const result: result = await response.json()
  // A refusal of the paywall itself: its body is the error.
  if (!toolResultSchema.safeParse(result).success) return refusalOf(result)
  const receipt = headers.get(callReceiptHeader)
  const meta = { ...settled, ...(receipt === null ? {} : { [metaKeys.receipt]: receipt }) }
  return Object.keys(meta).length === 0 ? result : { ...result, _meta: { ...result._meta, ...meta } }
}

function demandOf(
  required: PaymentRequired,
  options: { readonly settled: Readonly<Record<string, unknown>>; readonly hasOutputSchema: boolean },
): ToolRefusal {
  const { settled, hasOutputSchema } = options
  return {
    isError: true,
    content: [{ type: 'text', text: JSON.stringify(required) }],
    ...(hasOutputSchema ? {} : { structuredContent: { ...required } }),
    ...(Object.keys(settled).length === 0 ? {} : { _meta: { ...settled } }),
  }
}

const refusalOf = (body: unknown): ToolRefusal => ({
  isError: true,
  content: [{ type: 'text', text: JSON.stringify(body) }],
})
