import type { IncomingMessage, ServerResponse } from 'node:http'

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
  return (incoming, outgoing) => {
    const left = new AbortController()
    outgoing.once('close', () => {
      if (!outgoing.writableFinished) left.abort()
    })
    answerWith(handle, toRequestOrNull(incoming, left.signal))
      .then((response) => writeResponse(outgoing, response))
      .catch(() => {
        if (outgoing.headersSent) {
          outgoing.destroy()
          return
        }
        outgoing.writeHead(500, { 'content-type': 'application/json' })
        outgoing.end('{"error":{"code":"INTERNAL","message":"The request could not be answered."}}')
      })
  }
}

/** Asynchronous whatever the handler is, so that what it throws is caught like what it rejects with. */
const answerWith = async (
  handle: (request: Request) => Response | Promise<Response>,
  request: Request | null,
): Promise<Response> =>
  request === null
    ? Response.json(
        { error: { code: 'BAD_REQUEST', message: 'The method or the host of the request is not valid.' } },
        { status: 400 },
      )
    : handle(request)

/** Null where method or host are none: an error thrown in a listener would end the process. */
function toRequestOrNull(incoming: IncomingMessage, signal: AbortSignal): Request | null {
  try {
    return toRequest(incoming, { signal })
  } catch (error) {
    if (error instanceof TypeError) return null
    throw error
  }
}

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
