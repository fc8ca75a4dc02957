import type { Payment } from '@millrace/pay'
import { createToolPayer } from '@millrace/pay/mcp'
import { MillraceError } from '@millrace/sdk'
import * as z from 'zod'
import { formatAmount, parseAmount } from '../../output/amounts.ts'
import { withTools } from '../connectTools.ts'
import { ToolCallFailedError } from '../errors.ts'
import type { McpContext } from '../mcpContext.ts'
import { defineTool, type Tool } from '../tool.ts'

/** Milliseconds that a tool of another server may take. */
const patience = 55_000
const serverInput = z
  .string()
  .min(1)
  .describe('URL of an MCP server (streamable HTTP), or the name of one that this server was started with.')

/** `list_paid_tools`, `call_paid_tool`: tools of other MCP servers, paid from our budget. */
export function paidToolTools(context: McpContext): readonly Tool[] {
  const { connection, buyer, limit, channels, batch, servers } = context
  const { deployment, currency } = connection
  const list = defineTool({
    name: 'list_paid_tools',
    title: 'List the tools of a server',
    isReadOnly: true,
    description:
      'Lists the tools of another MCP server with what they take, for call_paid_tool. Costs nothing. What a tool costs is known when it is called.',
    input: z.strictObject({ server: serverInput }),
    output: z.strictObject({
      tools: z.array(
        z.strictObject({
          tool: z.string(),
          description: z.string(),
          input_schema: z.record(z.string(), z.unknown()),
        }),
      ),
    }),
    async call({ server }) {
      const { tools } = await withTools(server, servers, (client) =>
        client.listTools(undefined, { timeout: patience }).catch((cause: unknown) => {
          throw new ToolCallFailedError({ server, tool: 'tools/list', cause })
        }),
      )
      const value = tools.map(({ name, description = '', inputSchema }) => ({
        ...{ tool: name, description },
        input_schema: { ...inputSchema },
      }))
      const lines = value.map(({ tool, description }) => `${tool}: ${description}`)
      return { value: { tools: value }, text: lines.join('\n') || 'It has no tools.' }
    },
  })
  const call = defineTool({
    name: 'call_paid_tool',
    title: 'Call a paid tool of another server',
    isReadOnly: false,
    description:
      'Calls a tool of another MCP server and pays what it asks by x402, on a channel where the seller has them, else once. Costs money ' +
      'within the budget, and refused with BUDGET_EXCEEDED beyond it; `max_price` refuses what is dearer. Says what was paid.',
    input: z.strictObject({
      server: serverInput,
      tool: z.string().min(1).max(256),
      arguments: z.record(z.string(), z.unknown()).default({}),
      max_price: z.string().optional().describe('Most that the call may cost, in whole units.'),
    }),
    output: z.strictObject({
      is_error: z.boolean().describe('Whether the tool itself failed.'),
      paid: z.string(),
      scheme: z.string().nullable(),
      payee: z.string().nullable(),
      transaction: z.string().nullable(),
      content: z.array(z.record(z.string(), z.unknown())).describe('What the tool answered.'),
      structured_content: z.record(z.string(), z.unknown()).nullable(),
    }),
    async call({ server, tool, arguments: input, max_price: most }) {
      const payments: Payment[] = []
      const maxPrice = most === undefined ? {} : { maxPrice: parseAmount(most, currency) }
      const result = await withTools(server, servers, async (client) => {
        const callTool = createToolPayer(client, {
          ...{ server, deployment, currency, budget: limit.budget, channels, timeout: patience, ...maxPrice },
          ...(batch === undefined ? {} : { batch }),
          ...{ signer: buyer.account, client: buyer.client },
          onPayment: (payment) => payments.push(payment),
        })
        try {
          return await callTool({ name: tool, arguments: input })
        } catch (cause) {
          if (cause instanceof MillraceError) throw cause
          throw new ToolCallFailedError({ server, tool, cause })
        }
      })
      const [payment] = payments
      const value = {
        is_error: result.isError === true,
        paid: formatAmount(payment?.amount ?? 0n, currency),
        scheme: payment?.scheme ?? null,
        payee: payment?.payee ?? null,
        transaction: payment?.settled?.transaction || null,
        content: result.content.map((each) => ({ ...each })),
        structured_content: result.structuredContent === undefined ? null : { ...result.structuredContent },
      }
      const said = result.content.map((each) =>
        typeof each.text === 'string' ? each.text : `(${each.type})`,
      )
      const by = payment === undefined ? '' : ` to ${payment.payee} by ${payment.scheme}`
      const head = `${value.is_error ? 'The tool failed. ' : ''}${value.paid} paid${by}.`
      return { value, text: [head, ...said].join('\n') }
    },
  })
  return [list, call]
}
