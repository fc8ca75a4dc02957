import { BodyTooLarge, JsonMalformed } from './errors.ts'

/**
 * Reads a body of JSON, giving up as soon as it is too large.
 * @throws BodyTooLarge | JsonMalformed
 */
export async function readJson(request: Request, maxBytes: number): Promise<unknown> {
  if (Number(request.headers.get('content-length') ?? 0) > maxBytes) throw new BodyTooLarge(maxBytes)
  const chunks: Uint8Array[] = []
  let size = 0
  if (request.body !== null) {
    for await (const chunk of request.body as unknown as AsyncIterable<Uint8Array>) {
      size += chunk.length
      if (size > maxBytes) throw new BodyTooLarge(maxBytes)
      chunks.push(chunk)
    }
  }
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks))
  } catch {
    throw new JsonMalformed('it is not UTF-8')
  }
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new JsonMalformed(error instanceof Error ? error.message : 'it cannot be read')
  }
}
