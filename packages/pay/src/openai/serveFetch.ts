import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { WholeResponse } from '../seller/WholeResponse.ts'
import type { CallRequest } from './callRequest.ts'

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
  handler: (request: CallRequest) => Promise<Response>,
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
  handler: (request: CallRequest) => Promise<Response>,
  { incoming, outgoing }: { incoming: IncomingMessage; outgoing: ServerResponse },
): Promise<void> {
  const left = new AbortController()
  outgoing.once('close', () => {
    if (!outgoing.writableFinished) left.abort()
  })
  const response = await handler(toRequest(incoming, left.signal))
  // A body that was not read to its end must not be taken for the next request.
  if (!incoming.complete) outgoing.setHeader('connection', 'close')
  const headers = Object.fromEntries(response.headers)
  const whole = WholeResponse.bytesOf(response)
  if (whole !== null) {
    outgoing.writeHead(response.status, { ...headers, 'content-length': whole.length })
    return void outgoing.end(whole)
  }
  outgoing.writeHead(response.status, headers)
  const reader = response.body?.getReader()
  if (reader === undefined) return void outgoing.end()
  const cancel = () => reader.cancel().catch(() => {})
  left.signal.addEventListener('abort', cancel, { once: true })
  try {
    for (;;) {
      left.signal.throwIfAborted()
      const { done, value } = await reader.read()
      if (done) break
      if (!outgoing.write(value)) await once(outgoing, 'drain', { signal: left.signal })
    }
  } catch (error) {
    await cancel()
    throw error
  }
  outgoing.end()
}

function toRequest(incoming: IncomingMessage, signal: AbortSignal): CallRequest {
  const method = incoming.method ?? 'GET'
  return {
    method,
    url: `http://${incoming.headers.host ?? 'localhost'}${incoming.url ?? '/'}`,
    headers: {
      get(name) {
        const value = incoming.headers[name.toLowerCase()]
        return Array.isArray(value) ? value.join(', ') : (value ?? null)
      },
    },
    body: method === 'GET' || method === 'HEAD' ? null : incoming,
    signal,
  }
}
