import * as z from 'zod'
import { createPayingFetch, type PayingFetchOptions } from '../buyer/createPayingFetch.ts'
import { decodePaymentPayload, encodeSettleResponse, headerNames } from '../wire/headers.ts'
import { settleResponseSchema } from '../wire/x402.ts'
import { ToolResultInvalidError } from './errors.ts'
import { metaKeys, type ToolResult, toolResultSchema } from './toolResult.ts'

/** A client of the Model Context Protocol, as far as it is used here: the SDK's `Client` is one. */
export interface ToolClient {
  callTool(
    params: {
      readonly name: string
      readonly arguments: Record<string, unknown>
      readonly _meta?: Record<string, unknown>
    },
    resultSchema: undefined,
    options: { readonly signal: AbortSignal; readonly timeout?: number },
  ): Promise<unknown>
}

/** How tools are paid. */
export interface ToolPayerOptions extends Omit<PayingFetchOptions, 'fetch'> {
  /** The server's URL, or a name: budgets count by it, and errors name it. */
  readonly server: string
  /** Milliseconds for one call of the server. Default: the client's own. */
  readonly timeout?: number
}

/** A call of a tool. */
export interface ToolCall {
  readonly name: string
  readonly arguments?: Readonly<Record<string, unknown>>
  readonly signal?: AbortSignal
}

const callSchema = z.object({ name: z.string(), arguments: z.record(z.string(), z.unknown()) })

/**
 * Makes a function that calls tools of an MCP server and pays where it is asked to, in x402's form for MCP, and never beyond
 * its budget. It pays as `createPayingFetch` does, with the same refusals: a tool is a resource that is reached another way.
 * Do not list tools with the same client before: it would hold what is to be paid against a tool's output schema.
 *
 * @param client A client that is connected.
 * @param options Deployment, currency, budget, the ways to pay, and the server's name.
 * @returns Calls a tool; `onPayment` is told what it cost.
 * @throws (when called) ToolResultInvalidError, and what `createPayingFetch` and the client throw
 * @see https://github.com/x402-foundation/x402/blob/main/specs/transports-v2/mcp.md
 * @example
 * const callTool = createToolPayer(client, { server: 'https://api.example/mcp', deployment, currency, budget, channels })
 * const result = await callTool({ name: 'add', arguments: { a: 1, b: 2 } })
 */
export function createToolPayer(
  client: ToolClient,
  options: ToolPayerOptions,
): (call: ToolCall) => Promise<ToolResult> {
  const { server, timeout, ...paying } = options
  /** What the server calls its tools, which is what it wants to be paid for. */
  const resources = new Map<string, string>()

  async function send(input: RequestInfo | URL, init?: RequestInit): Promise<Response> {
    const request = new Request(input, init)
    const call = callSchema.parse(await request.json())
    const header = request.headers.get(headerNames.payment)
    const payment = header === null ? null : decodePaymentPayload(header)
    const url = resources.get(request.url)
    if (payment?.resource !== undefined && url !== undefined) payment.resource.url = url
    const answer = await client.callTool(
      { ...call, ...(payment === null ? {} : { _meta: { [metaKeys.payment]: payment } }) },
      undefined,
      { signal: request.signal, ...(timeout === undefined ? {} : { timeout }) },
    )
    const read = toolResultSchema.safeParse(answer)
    if (!read.success)
      throw new ToolResultInvalidError({
        server,
        tool: call.name,
        reason: read.error.issues[0]?.message ?? '',
      })
    const demand = demandOf(read.data)
    if (demand === null) return responseOf(read.data)
    const { resource } = resourceSchema.safeParse(demand).data ?? {}
    if (resource !== undefined) resources.set(request.url, resource.url)
    const own = resource === undefined ? demand : { ...demand, resource: { ...resource, url: request.url } }
    return Response.json(own, { status: 402 })
  }

  const pay = createPayingFetch({ ...paying, fetch: send })
  return async ({ name, arguments: input = {}, signal }) => {
    const response = await pay(serviceUrl(server, name), {
      method: 'POST',
      body: JSON.stringify({ name, arguments: input }),
      ...(signal === undefined ? {} : { signal }),
    })
    return toolResultSchema.parse(await response.json())
  }
}

/** A URL that stands for a tool of a server, and for no other server's. */
function serviceUrl(server: string, tool: string): string {
  const base = /^https?:$/.test(URL.canParse(server) ? new URL(server).protocol : '')
    ? server.replace(/[?#].*$|\/+$/g, '')
    : `http://mcp.invalid/${encodeURIComponent(server)}`
  return `${base}/tools/${encodeURIComponent(tool)}`
}

const demandSchema = z.looseObject({ x402Version: z.number(), accepts: z.array(z.unknown()) })
const wrappedSchema = z.looseObject({ 'x402/error': z.looseObject({ data: demandSchema }) })
const resourceSchema = z.looseObject({ resource: z.looseObject({ url: z.string() }) })

/** What a result asks to be paid, in the order in which the transport says to look; `null` if it asks nothing. */
function demandOf({ isError, structuredContent, content }: z.output<typeof toolResultSchema>) {
  if (isError !== true) return null
  const [first] = content
  const text = first?.type === 'text' && typeof first.text === 'string' ? first.text : ''
  for (const place of [structuredContent, parsed(text)]) {
    const plain = demandSchema.safeParse(place)
    if (plain.success) return plain.data
    const wrapped = wrappedSchema.safeParse(place)
    if (wrapped.success) return wrapped.data['x402/error'].data
  }
  return null
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

/** A result as an answer that the payer reads: what was settled, and whether it failed. */
function responseOf(result: z.output<typeof toolResultSchema>): Response {
  const settled = settleResponseSchema.safeParse(result._meta?.[metaKeys.response])
  const headers: Record<string, string> = settled.success
    ? { [headerNames.response]: encodeSettleResponse(settled.data) }
    : {}
  return Response.json(result, { status: result.isError === true ? 500 : 200, headers })
}
