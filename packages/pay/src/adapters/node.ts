import type { IncomingMessage, ServerResponse } from 'node:http'
import { getRequestListener } from '@hono/node-server'
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import { WholeResponse } from '../seller/WholeResponse.ts'

// Where Hono's own server was started before this file was loaded, the mark is a response that is made once it is looked at, and
// the listener would write it as one. Looking at it once makes it.
void RESPONSE_ALREADY_SENT.body

/**
 * Serves a handler of web requests with node:http. The request's signal is aborted when the client leaves; the body of an
 * answer is read no faster than the client takes it. A request that the web's types cannot hold, by its method or its host, is
 * answered 400; a handler that throws or fails, 500.
 *
 * @param handle Answers a request, at once or later.
 * @returns A listener for `createServer`.
 * @example
 * createServer(nodeListener(priceRoute(paywall, route, handler))).listen(4020)
 */
export function nodeListener(
  handle: (request: Request) => Response | Promise<Response>,
): (incoming: IncomingMessage, outgoing: ServerResponse) => void {
  const answer = getRequestListener(
    async (request, { outgoing }) => {
      await answerWith(handle, request, outgoing as ServerResponse)
      return RESPONSE_ALREADY_SENT
    },
    { overrideGlobalObjects: false, hostname: 'localhost', errorHandler: badRequest },
  )
  return (incoming, outgoing) => void answer(incoming, outgoing)
}

/** Never fails: what the handler throws or rejects with is answered, or ends the connection if the answer has begun. */
async function answerWith(
  handle: (request: Request) => Response | Promise<Response>,
  request: Request,
  outgoing: ServerResponse,
): Promise<void> {
  try {
    await writeResponse(outgoing, request.method === 'TRACE' ? badRequest() : await handle(request))
  } catch {
    if (outgoing.headersSent) {
      outgoing.destroy()
      return
    }
    outgoing.writeHead(500, { 'content-type': 'application/json' })
    outgoing.end('{"error":{"code":"INTERNAL","message":"The request could not be answered."}}')
  }
}

const badRequest = (): Response =>
  Response.json(
    { error: { code: 'BAD_REQUEST', message: 'The method or the host of the request is not valid.' } },
    { status: 400 },
  )

/** An incoming request as a web request. */
export function toRequest(
  incoming: IncomingMessage,
  options: { readonly signal: AbortSignal; readonly url?: string; readonly body?: Uint8Array<ArrayBuffer> },
): Request {
  const { method = 'GET', url = '/' } = incoming
  const headers = new Headers()
  for (const [name, value] of Object.entries(incoming.headers))
    for (const each of Array.isArray(value) ? value : [value ?? '']) headers.append(name, each)
  const empty = method === 'GET' || method === 'HEAD'
  return new Request(options.url ?? `http://${incoming.headers.host ?? 'localhost'}${url}`, {
    method,
    headers,
    signal: options.signal,
    ...(empty ? {} : { body: options.body ?? bodyOf(incoming), duplex: 'half' as const }),
  })
}

function bodyOf(incoming: IncomingMessage): ReadableStream<Uint8Array> {
  const pieces = incoming[Symbol.asyncIterator]()
  return new ReadableStream({
    async pull(controller) {
      const { done, value } = await pieces.next()
      if (done === true) controller.close()
      else controller.enqueue(new Uint8Array(value as Uint8Array))
    },
    cancel() {
      incoming.resume()
    },
  })
}

/** Writes a web answer to the client. */
export async function writeResponse(outgoing: ServerResponse, response: Response): Promise<void> {
  outgoing.statusCode = response.status
  for (const [name, value] of response.headers) if (name !== 'set-cookie') outgoing.setHeader(name, value)
  const cookies = response.headers.getSetCookie()
  if (cookies.length > 0) outgoing.setHeader('set-cookie', cookies)
  const whole = WholeResponse.bytesOf(response)
  if (whole !== null) return void outgoing.end(whole)
  const reader = response.body?.getReader()
  if (reader === undefined) return void outgoing.end()
  const leave = () => void reader.cancel().catch(() => undefined)
  outgoing.once('close', leave)
  let sent: Promise<void> = Promise.resolve()
  for (;;) {
    const { done, value } = await reader.read().catch(async (error: unknown) => {
      // What was paid for before it broke off still goes out.
      await sent
      throw error
    })
    if (done) break
    let isFull = false
    sent = new Promise((resolve) => {
      isFull = !outgoing.write(value, () => resolve())
    })
    if (isFull) await drained(outgoing)
  }
  outgoing.off('close', leave)
  outgoing.end()
}

const drained = (outgoing: ServerResponse) =>
  new Promise<void>((done) => {
    const finish = () => {
      outgoing.off('drain', finish)
      outgoing.off('close', finish)
      done()
    }
    outgoing.once('drain', finish)
    outgoing.once('close', finish)
  })
