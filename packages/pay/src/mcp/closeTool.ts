import * as z from 'zod'
import { closingFetch } from '../buyer/closingFetch.ts'
import { askPaywallToClose, type ClosingAnswer } from '../seller/askPaywallToClose.ts'
import type { Paywall } from '../seller/paywall.ts'
import type { ToolClient } from './createToolPayer.ts'
import { metaKeys, type ToolResult, toolResultSchema } from './toolResult.ts'

/** The tool by which a server agrees to ends of channels. */
export const closeToolName = 'millrace_close'

/** What `McpServer.registerTool` takes. */
export interface CloseTool {
  readonly name: typeof closeToolName
  readonly config: {
    readonly title: string
    readonly description: string
    readonly inputSchema: { readonly close: z.ZodRecord<z.ZodString, z.ZodUnknown> }
  }
  readonly handler: (input: { readonly close: unknown }) => Promise<ClosedResult>
}

/** A tool's result that says what became of the wish to end a channel. */
export interface ClosedResult {
  [key: string]: unknown
  isError: boolean
  content: { type: 'text'; text: string }[]
  _meta: Record<string, unknown>
}

/**
 * Makes the tool by which an MCP server whose tools are sold agrees to ends of channels at exactly what was charged: what header
 * `Millrace-Close` is in HTTP. It costs nothing. Tools of `priceTool` take the same wish in `_meta["millrace/close"]`.
 *
 * @param paywall The one of the tools that are sold.
 * @returns Name, description and handler.
 * @example
 * const { name, config, handler } = closeTool(paywall)
 * server.registerTool(name, config, handler)
 */
export const closeTool = (paywall: Paywall): CloseTool => ({
  name: closeToolName,
  config: {
    title: 'End a payment channel',
    description:
      'Agrees to end the payment channel of a payer of these tools at what was charged, so that it has the rest of its deposit back at once. Free.',
    inputSchema: {
      close: z.record(z.string(), z.unknown()).describe('A CloseRequest, signed by the payer.'),
    },
  },
  handler: async ({ close }) =>
    closedResult(await askPaywallToClose(paywall, { url: `mcp://tool/${closeToolName}`, wish: close })),
})

/** What is said of the wish to end a channel. */
export const closedResult = (answer: ClosingAnswer): ClosedResult => ({
  isError: answer.status !== 200,
  content: [{ type: 'text', text: JSON.stringify(answer.body) }],
  _meta: { [metaKeys.closed]: answer },
})

/** Codes of JSON-RPC for what a server does not know. */
const unknownCodes = new Set([-32_601, -32_602])

/**
 * Makes the `fetch` by which `askToClose` asks an MCP server to end a channel: by the server's tool `millrace_close`, and where it has none by
 * `_meta` of a call of a tool that was paid, if that is named.
 *
 * @param client A client that is connected.
 * @param options `tool` is a tool that the channel paid for; a seller that does not know the wish asks it to be paid, and that is all.
 * @example
 * const agreed = await askToClose({ channels, channel, url: server, until, fetch: toolClosingFetch(client) })
 */
export const toolClosingFetch = (
  client: ToolClient,
  { tool }: { readonly tool?: string } = {},
): typeof globalThis.fetch =>
  closingFetch(async (wish, signal) => {
    const ask = (name: string, input: Record<string, unknown>) =>
      client
        .callTool({ name, arguments: input, _meta: { [metaKeys.close]: wish } }, undefined, { signal })
        .then(answerOf, (error: unknown) => {
          // What else a client throws is a server that cannot be reached, of which nothing is known.
          if (error instanceof Error && 'code' in error && unknownCodes.has(Number(error.code))) return null
          throw error
        })
    return (await ask(closeToolName, { close: wish })) ?? (tool === undefined ? null : ask(tool, {}))
  })

function answerOf(result: unknown): unknown {
  const read: ToolResult | undefined = toolResultSchema.safeParse(result).data
  return read?._meta?.[metaKeys.closed] ?? null
}
