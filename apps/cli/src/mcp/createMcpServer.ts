import { Server } from '@modelcontextprotocol/sdk/server/index.js'
import {
  CallToolRequestSchema,
  type CallToolResult,
  ListToolsRequestSchema,
} from '@modelcontextprotocol/sdk/types.js'
import type { Currency } from '../output/amounts.ts'
import { ToolUnknownError } from './errors.ts'
import type { Tool } from './tool.ts'
import { toolErrorOf } from './toolError.ts'

const instructions =
  'Hires machines by the second and pays for calls, with real money within a fixed budget. Ask `quote` for the price before ' +
  '`hire_and_run`, and `haggle` for a lower one. An error is a JSON object with `code`, `message` and `remedy`; BUDGET_EXCEEDED is final for that price.'

/**
 * Makes the server of one client. Failures are answers of the tool, with code and remedy, so that a model can act on them.
 *
 * @see https://modelcontextprotocol.io/specification/2025-11-25/server/tools
 */
export function createMcpServer(tools: readonly Tool[], currency: Currency): Server {
  const server = new Server(
    { name: 'millrace', title: 'Millrace', version: '0.1.0' },
    { capabilities: { tools: {} }, instructions },
  )
  server.setRequestHandler(ListToolsRequestSchema, () => ({
    tools: tools.map(({ name, title, description, isReadOnly, inputSchema, outputSchema }) => ({
      ...{ name, title, description },
      inputSchema: { ...inputSchema, type: 'object' as const },
      outputSchema: { ...outputSchema, type: 'object' as const },
      annotations: { title, readOnlyHint: isReadOnly, destructiveHint: !isReadOnly },
    })),
  }))
  server.setRequestHandler(CallToolRequestSchema, async ({ params }): Promise<CallToolResult> => {
    try {
      const tool = tools.find(({ name }) => name === params.name)
      if (tool === undefined)
        throw new ToolUnknownError({ tool: params.name, known: tools.map(({ name }) => name) })
      const { value, text } = await tool.call(params.arguments)
      return { content: [{ type: 'text', text }], structuredContent: { ...value } }
    } catch (error) {
      // Not as structured content: clients check that against the schema of what the tool answers.
      const text = JSON.stringify(toolErrorOf(error, currency))
      return { content: [{ type: 'text', text }], isError: true }
    }
  })
  return server
}
