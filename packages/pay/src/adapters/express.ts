import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http'
import type { PaidRoute, Paywall } from '../seller/paywall.ts'
import { toRequest, writeResponse } from './node.ts'

/** What is needed of Express's request. */
export interface ExpressRequest extends IncomingMessage {
  readonly originalUrl?: string
  readonly protocol?: string
  body?: unknown
}

/**
 * Middleware for Express: what comes after it is paid for. It stands after body parsers, whose result then counts as the
 * request's body, or before them, and then reads the body itself: JSON is parsed to `request.body`, anything else is left
 * there as bytes.
 *
 * @param paywall From `createPaywall`.
 * @param route Price and what is sold.
 * @returns The middleware.
 * @see https://expressjs.com/en/guide/using-middleware.html
 * @example
 * app.use('/weather', expressPaywall(paywall, { price: { amount: 1000n } }))
 */
export function expressPaywall(paywall: Paywall, route: PaidRoute) {
  return (incoming: ExpressRequest, outgoing: ServerResponse, next: (error?: unknown) => void): void => {
    const left = new AbortController()
    outgoing.once('close', () => {
      if (!outgoing.writableFinished) left.abort()
    })
    const parsed = incoming.body !== undefined && incoming.readableEnded
    const host = incoming.headers.host ?? 'localhost'
    const url = `${incoming.protocol ?? 'http'}://${host}${incoming.originalUrl ?? incoming.url ?? '/'}`
    const request = toRequest(incoming, {
      signal: left.signal,
      url,
      ...(parsed ? { body: bytesOf(incoming.body) } : {}),
    })
    paywall
      .charge(request, route, async (paid) => {
        if (!parsed && paid.body !== null) await giveBody(incoming, paid.clone())
        const answered = catchAnswer(outgoing, left.signal)
        next()
        return answered
      })
      .then((response) => {
        for (const name of outgoing.getHeaderNames()) outgoing.removeHeader(name)
        return writeResponse(outgoing, response)
      })
      .catch((error: unknown) => {
        if (!left.signal.aborted && !outgoing.headersSent) next(error)
        else outgoing.destroy()
      })
  }
}

/** A body that a parser has read, as bytes: the same for the same content. */
function bytesOf(body: unknown): Uint8Array<ArrayBuffer> {
  if (body instanceof Uint8Array) return new Uint8Array(body)
  return new TextEncoder().encode(typeof body === 'string' ? body : JSON.stringify(body))
}

async function giveBody(incoming: ExpressRequest, request: Request): Promise<void> {
  const bytes = new Uint8Array(await request.arrayBuffer())
  const isJson = /\bjson\b/i.test(request.headers.get('content-type') ?? '')
  incoming.body = isJson ? parseJson(bytes) : Buffer.from(bytes)
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes))
  } catch {
    return Buffer.from(bytes)
  }
}

/**
 * Holds back what is written to the client until it is complete, and then leaves the answer as it was. Fails when the client
 * leaves first.
 */
function catchAnswer(outgoing: ServerResponse, left: AbortSignal): Promise<Response> {
  const { write, end, writeHead, flushHeaders } = outgoing
  const pieces: Uint8Array[] = []
  const restore = () => Object.assign(outgoing, { write, end, writeHead, flushHeaders })
  const take = (piece: unknown, encoding: unknown) => {
    if (typeof piece === 'string')
      pieces.push(Buffer.from(piece, typeof encoding === 'string' ? (encoding as BufferEncoding) : 'utf8'))
    else if (piece instanceof Uint8Array) pieces.push(new Uint8Array(piece))
  }
  const callBack = (parameters: unknown[]) => {
    const done = parameters.find((each) => typeof each === 'function') as (() => void) | undefined
    if (done !== undefined) queueMicrotask(done)
  }
  return new Promise((resolve, reject) => {
    left.addEventListener('abort', () => {
      restore()
      reject(left.reason)
    })
    Object.assign(outgoing, {
      flushHeaders: () => undefined,
      writeHead(status: number, ...rest: unknown[]) {
        outgoing.statusCode = status
        const headers = rest.find((each) => typeof each === 'object') as OutgoingHttpHeaders | undefined
        for (const [name, value] of Object.entries(headers ?? {}))
          if (value !== undefined) outgoing.setHeader(name, value)
        return outgoing
      },
      write(piece: unknown, ...rest: unknown[]) {
        take(piece, rest[0])
        callBack(rest)
        return true
      },
      end(...parameters: unknown[]) {
        take(parameters[0], parameters[1])
        restore()
        callBack(parameters)
        resolve(toResponse(outgoing, pieces))
        return outgoing
      },
    })
  })
}

function toResponse(outgoing: ServerResponse, pieces: readonly Uint8Array[]): Response {
  const headers = new Headers()
  for (const [name, value] of Object.entries(outgoing.getHeaders()))
    for (const each of Array.isArray(value) ? value : [value]) headers.append(name, String(each))
  // What is sent in the end decides on its length.
  headers.delete('content-length')
  const body = Buffer.concat(pieces)
  return new Response(body.length === 0 ? null : new Uint8Array(body), {
    status: outgoing.statusCode,
    headers,
  })
}
