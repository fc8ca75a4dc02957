import { randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Server } from '@modelcontextprotocol/sdk/server/index.js'
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js'
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js'

/** A server that listens. */
export interface HttpService {
  readonly url: string
  close(): Promise<void>
}

const path = '/mcp'
/** Clients that are served at the same time; beyond that the oldest is let go. */
const mostSessions = 64

/**
 * Serves clients over streamable HTTP, on this machine only. A web page that a person visits can make the browser call
 * `127.0.0.1` by a name of its own; so the host that is called and the page that calls must both be this machine.
 *
 * @see https://modelcontextprotocol.io/specification/2025-11-25/basic/transports
 */
export async function serveHttp(options: {
  readonly port: number
  /** Makes the server of one client. */
  readonly create: () => Server
}): Promise<HttpService> {
  const sessions = new Map<string, StreamableHTTPServerTransport>()

  async function open(): Promise<StreamableHTTPServerTransport> {
    const transport = new StreamableHTTPServerTransport({
      sessionIdGenerator: () => randomUUID(),
      onsessioninitialized(id) {
        sessions.set(id, transport)
        const [oldest] = sessions.keys()
        if (sessions.size > mostSessions && oldest !== undefined) void sessions.get(oldest)?.close()
      },
    })
    transport.onclose = () => {
      if (transport.sessionId !== undefined) sessions.delete(transport.sessionId)
    }
    // The SDK's own declarations differ by an optional property.
    await options.create().connect(transport as Transport)
    return transport
  }

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (!isOfThisMachine(request))
      return refuse(response, 403, 'Only this machine may call, by its own name.')
    if (request.url?.split('?')[0] !== path) return refuse(response, 404, `The server is at '${path}'.`)
    const id = request.headers['mcp-session-id']
    const known = typeof id === 'string' ? sessions.get(id) : undefined
    if (id !== undefined && known === undefined)
      return refuse(response, 404, 'There is no such session; initialize a new one.')
    await (known ?? (await open())).handleRequest(request, response)
  }

  const server = createServer((request, response) => {
    serve(request, response).catch((error: unknown) => {
      if (response.headersSent) response.destroy()
      else refuse(response, 500, error instanceof Error ? error.message : String(error))
    })
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(options.port, '127.0.0.1', resolve)
  })
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}${path}`,
    async close() {
      await Promise.all([...sessions.values()].map((transport) => transport.close()))
      server.closeAllConnections()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
}

const ownNames = new Set(['127.0.0.1', 'localhost', '[::1]'])

function isOfThisMachine({ headers, socket }: IncomingMessage): boolean {
  const isOwn = (url: string) => URL.canParse(url) && ownNames.has(new URL(url).hostname)
  const { host, origin } = headers
  return (
    host !== undefined &&
    isOwn(`http://${host}`) &&
    new URL(`http://${host}`).port === String(socket.localPort === 80 ? '' : socket.localPort) &&
    (origin === undefined || isOwn(origin))
  )
}

function refuse(response: ServerResponse, status: number, message: string): void {
  response.writeHead(status, { 'content-type': 'application/json' })
  response.end(JSON.stringify({ jsonrpc: '2.0', error: { code: -32000, message }, id: null }))
}
