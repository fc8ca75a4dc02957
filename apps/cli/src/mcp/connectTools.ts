import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js'
import { UsageError } from '../errors/input.ts'
import { ToolServerDownError, ToolServerUnknownError } from './errors.ts'

/** Servers that the person who started us named, and the commands that start them. */
export type NamedServers = ReadonlyMap<string, readonly [string, ...string[]]>

/**
 * Reads `--tools name=command argument …`. Only a person can name a command: a prompt that could, would run anything here.
 *
 * @throws UsageError
 */
export function readNamedServers(texts: readonly string[]): NamedServers {
  return new Map(
    texts.map((text) => {
      const [, name, rest = ''] = /^([\w.-]{1,64})=\s*(\S.*)$/s.exec(text) ?? []
      const [command, ...args] = rest.trim().split(/\s+/)
      if (name === undefined || command === undefined || command === '')
        throw new UsageError({
          message: `'--tools ${text}' names no server.`,
          remedy: 'Give a name and a command, such as --tools "weather=npx weather-mcp".',
        })
      return [name, [command, ...args]] as const
    }),
  )
}

/**
 * Connects to a server of tools, for one piece of work, and leaves it.
 *
 * @param server Its URL, or its name among `named`.
 * @throws ToolServerUnknownError, ToolServerDownError, and what `work` throws
 */
export async function withTools<result>(
  server: string,
  named: NamedServers,
  work: (client: Client) => Promise<result>,
): Promise<result> {
  const client = new Client({ name: 'millrace', version: '0.1.0' })
  try {
    await client.connect(transportTo(server, named))
  } catch (cause) {
    if (cause instanceof ToolServerUnknownError) throw cause
    await client.close().catch(() => undefined)
    throw new ToolServerDownError({ server, cause })
  }
  try {
    return await work(client)
  } finally {
    await client.close().catch(() => undefined)
  }
}

function transportTo(server: string, named: NamedServers): Transport {
  const command = named.get(server)
  if (command !== undefined) {
    const [program, ...args] = command
    return new StdioClientTransport({ command: program, args, stderr: 'ignore' })
  }
  if (!URL.canParse(server) || !/^https?:$/.test(new URL(server).protocol))
    throw new ToolServerUnknownError({ server, known: [...named.keys()] })
  // The SDK's own declarations differ by an optional property.
  return new StreamableHTTPClientTransport(new URL(server)) as Transport
}
