import { joinBytes } from './readBody.ts'

/** A handler's answer: at hand as a whole, or still coming. */
export type AnswerBody =
  | { readonly type: 'whole'; readonly bytes: Uint8Array<ArrayBuffer> }
  | { readonly type: 'stream'; readonly stream: ReadableStream<Uint8Array> }

/**
 * Takes the body of an answer. Events and what is longer than `most` bytes are passed on as they come; anything else is read
 * to its end first, so that an answer that breaks off is not charged and a complete one can be given again.
 */
export async function takeAnswerBody(response: Response, most: number): Promise<AnswerBody> {
  const { body } = response
  if (body === null) return { type: 'whole', bytes: new Uint8Array() }
  if (response.headers.get('content-type')?.startsWith('text/event-stream') === true)
    return { type: 'stream', stream: body }
  const reader = body.getReader()
  const pieces: Uint8Array[] = []
  let length = 0
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return { type: 'whole', bytes: joinBytes(pieces, length) }
    pieces.push(value)
    length += value.length
    if (length > most) break
  }
  const stream = new ReadableStream<Uint8Array>({
    async pull(controller) {
      const piece = pieces.shift()
      if (piece !== undefined) return controller.enqueue(piece)
      const { done, value } = await reader.read()
      if (done) controller.close()
      else controller.enqueue(value)
    },
    cancel: (reason) => reader.cancel(reason),
  })
  return { type: 'stream', stream }
}
