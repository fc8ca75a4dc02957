import { PaidBodyTooLargeError } from './errors.ts'

/**
 * Reads a body to its end.
 *
 * @throws PaidBodyTooLargeError beyond `most` bytes.
 */
export async function readBody(request: Request, most: number): Promise<Uint8Array<ArrayBuffer>> {
  if (!hasBody(request)) return new Uint8Array()
  const pieces: Uint8Array[] = []
  let length = 0
  for await (const piece of request.body) {
    length += piece.length
    if (length > most) throw new PaidBodyTooLargeError({ most })
    pieces.push(piece)
  }
  return joinBytes(pieces, length)
}

/** Asks the method first: a server that makes requests lazily makes the whole of one when its body is asked for. */
export const hasBody = (
  request: Request,
): request is Request & { readonly body: ReadableStream<Uint8Array<ArrayBuffer>> } =>
  request.method !== 'GET' && request.method !== 'HEAD' && request.body !== null

/** Several pieces as one. */
export function joinBytes(pieces: readonly Uint8Array[], length: number): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(length)
  let at = 0
  for (const piece of pieces) {
    whole.set(piece, at)
    at += piece.length
  }
  return whole
}

/** The same request with its body at hand again. */
export const withBody = (request: Request, body: Uint8Array<ArrayBuffer>): Request =>
  hasBody(request)
    ? new Request(request.url, {
        method: request.method,
        headers: request.headers,
        signal: request.signal,
        ...(body.length === 0 ? {} : { body }),
      })
    : request
