import { once } from 'node:events'
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js'
import { UsageError } from '../errors/input.ts'
import { createMcpServer } from '../mcp/createMcpServer.ts'
import { mcpTools, openMcpContext } from '../mcp/mcpContext.ts'
import { serveHttp } from '../mcp/serveHttp.ts'
import type { SpendingFlags } from '../mcp/spendingLimit.ts'
import { toJson } from '../output/output.ts'
import type { GlobalFlags } from './flags.ts'

export interface McpFlags extends GlobalFlags, SpendingFlags {
  readonly http?: number
  /** Servers of tools by name, `name=command argument`. */
  readonly tools?: readonly string[]
  /** Where services are sold. */
  readonly sellAt?: string
}

/** Serves until the client leaves or a signal comes. Jobs that run go on without us; their deposits stay counted. */
export async function runMcp(flags: McpFlags): Promise<void> {
  const { http } = flags
  if (http !== undefined && !(Number.isInteger(http) && http >= 0 && http <= 65_535))
    throw new UsageError({ message: `'--http ${http}' is not a port.`, remedy: 'Give 0 to 65535.' })
  const context = await openMcpContext(flags, process.cwd())
  const { connection, buyer } = context
  const tools = mcpTools(context)
  const ends: Promise<unknown>[] = [once(process, 'SIGINT'), once(process, 'SIGTERM')]
  // On stdio, stdout belongs to the protocol.
  const say = (event: Readonly<Record<string, unknown>>) => process.stderr.write(`${toJson(event)}\n`)
  const who = { network: connection.network, account: buyer.account.address }
  let close: () => Promise<void>
  if (http === undefined) {
    const server = createMcpServer(tools, connection.currency)
    // The transport itself does not notice that its client is gone.
    ends.push(once(process.stdin, 'end'), once(process.stdin, 'close'))
    await server.connect(new StdioServerTransport())
    close = () => server.close()
    say({ event: 'serving', transport: 'stdio', ...who })
  } else {
    const service = await serveHttp({
      port: http,
      create: () => createMcpServer(tools, connection.currency),
    })
    close = service.close
    say({ event: 'serving', transport: 'http', url: service.url, ...who })
  }
  await Promise.race(ends)
  await close()
  await context.close()
  process.exit(0)
}
