import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'

export interface ServeFetchOptions {
  /** 127.0.0.1 by default. */
  readonly host?: string
  /** 0, the default, takes a free one. */
  readonly port?: number
}

export interface FetchServer {
  /** `http://host:port`. */
  readonly url: string
  /** Ends every connection and stops listening. */
  close(): Promise<void>
}

/**
 * Serves a handler of web requests with Node's HTTP server. The request's signal is aborted when the client leaves, and
 * the body of an answer is read no faster than the client takes it.
 *
 * @param handler Answers a request.
 * @param options Where to listen.
 * @returns The address, and how to end it.
 * @example
 * const { url, close } = await serveFetch(async () => new Response('well'), { port: 4020 })
 */
export async function serveFetch(
  handler: (request: Request) => Promise<Response>,
  { host = '127.0.0.1', port = 0 }: ServeFetchOptions = {},
): Promise<FetchServer> {
  const server = createServer((incoming, outgoing) => {
    answer(handler, { incoming, outgoing }).catch(() => outgoing.destroy())
  })
  server.listen(port, host)
  await once(server, 'listening')
  return {
    url: `http://${host}:${(server.address() as AddressInfo).port}`,
    close: async () => {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}

async function answer(
  handler: (request: Request) => Promise<Response>,
  { incoming, outgoing }: { incoming: IncomingMessage; outgoing: ServerResponse },
): Promise<void> {
  const left = new AbortController()
  outgoing.once('close', () => {
    if (!outgoing.writableFinished) left.abort()
  })
  const response = await handler(toRequest(incoming, left.signal))
  // A body that was not read to its end must not be taken for the next request.
  if (!incoming.complete) outgoing.setHeader('connection', 'close')
  outgoing.writeHead(response.status, Object.fromEntries(response.headers))
  const reader = response.body?.getReader()
  if (reader === undefined) return void outgoing.end()
  left.signal.addEventListener('abort', () => void reader.cancel().catch(() => {}), { once: true })
  for (;;) {
    const { done, value } = await reader.read()
    if (done) break
    if (!outgoing.write(value)) await once(outgoing, 'drain', { signal: left.signal })
  }
  outgoing.end()
}

function toRequest(incoming: IncomingMessage, signal: AbortSignal): Request {
  const method = incoming.method ?? 'GET'
  const url = new URL(incoming.url ?? '/', `http://${incoming.headers.host ?? 'localhost'}`)
  const headers = new Headers()
  for (let at = 0; at < incoming.rawHeaders.length; at += 2) {
    headers.append(incoming.rawHeaders[at] ?? '', incoming.rawHeaders[at + 1] ?? '')
  }
  if (method === 'GET' || method === 'HEAD') return new Request(url, { method, headers, signal })
  const body = Readable.toWeb(incoming) as ReadableStream<Uint8Array>
  // Node asks for `duplex` where the body is a stream; the DOM's types do not know it.
  const init: RequestInit & { duplex: 'half' } = { method, headers, signal, body, duplex: 'half' }
  return new Request(url, init)
}
