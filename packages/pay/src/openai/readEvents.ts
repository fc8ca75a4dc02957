import { UpstreamAnswerInvalidError } from './errors.ts'

/**
 * Reads server-sent events as they come: the data of each, comments and other fields left out.
 *
 * @param chunks The bytes of the stream, cut anywhere.
 * @param most Most bytes of one event.
 * @returns The data of the events that came to an end together, by one chunk; what follows the last blank line is no event and is left
 * out, as the standard says.
 * @throws UpstreamAnswerInvalidError if an event is too long.
 * @see https://html.spec.whatwg.org/multipage/server-sent-events.html
 */
export async function* readEvents(
  chunks: AsyncIterable<Uint8Array>,
  most: number,
): AsyncGenerator<readonly string[]> {
  const decoder = new TextDecoder()
  let rest = ''
  let data: string[] = []
  let size = 0
  for await (const chunk of chunks) {
    rest += decoder.decode(chunk, { stream: true })
    const events: string[] = []
    for (;;) {
      const end = /\r\n|\n|\r(?=[^\n])/.exec(rest)
      if (end === null) break
      const line = rest.slice(0, end.index)
      rest = rest.slice(end.index + end[0].length)
      size += line.length
      if (line === '') {
        if (data.length > 0) events.push(data.join('\n'))
        data = []
        size = 0
      } else if (line.startsWith('data:')) data.push(line.slice(line[5] === ' ' ? 6 : 5))
    }
    if (events.length > 0) yield events
    if (size + rest.length > most) {
      throw new UpstreamAnswerInvalidError({ problem: `an event is longer than ${most} characters` })
    }
  }
}
