// An MCP server over stdio with a free tool and one that ends it, for the tests of servers that are started by a command.
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js'
import * as z from 'zod'

const server = new McpServer({ name: 'echo', version: '1' })
server.registerTool(
  'echo',
  { description: 'Says it again', inputSchema: { text: z.string() } },
  ({ text }) => ({
    content: [{ type: 'text', text }],
  }),
)
server.registerTool('die', { inputSchema: {} }, () => process.exit(1))
await server.connect(new StdioServerTransport())
