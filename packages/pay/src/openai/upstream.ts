import * as z from 'zod'
import {
  UpstreamAnswerInvalidError,
  UpstreamCutError,
  UpstreamRefusedError,
  UpstreamTimeoutError,
  UpstreamUnreachableError,
} from './errors.ts'

/** What is sold: a server that speaks OpenAI's API. */
export interface Upstream {
  /** Base URL with `/v1`. */
  readonly url: string
  /** The seller's own headers for it, `authorization` above all. Nothing of the buyer's is passed on. */
  readonly headers?: Readonly<Record<string, string>>
  /** Longest silence before its answer and within it; 120 s by default. */
  readonly silenceMs?: number
  /** Most bytes of an answer; 16 MiB by default. */
  readonly maxBytes?: number
}

export interface UpstreamAnswer {
  readonly chunks: AsyncGenerator<Uint8Array, void, void>
  /** Ends the upstream's work; more than once does no harm. */
  cancel(): void
}

/**
 * Sends a call to the upstream. Only its status and content type decide whether it is an answer; of its headers nothing is
 * passed on.
 *
 * @throws UpstreamUnreachableError, UpstreamTimeoutError, UpstreamRefusedError, UpstreamAnswerInvalidError; the chunks
 * throw UpstreamCutError and UpstreamTimeoutError
 */
export async function callUpstream(
  upstream: Upstream,
  call: {
    readonly route: string
    readonly body: object
    readonly stream: boolean
    readonly signal: AbortSignal
  },
): Promise<UpstreamAnswer> {
  const { silenceMs = 120_000, maxBytes = 16 << 20 } = upstream
  const ended = new AbortController()
  const end = () => ended.abort()
  call.signal.addEventListener('abort', end, { once: true })
  if (call.signal.aborted) end()
  const watch = watchSilence(silenceMs, end)
  const explain = (error: unknown, otherwise: (options: { cause: unknown }) => Error) =>
    watch.silent() ? new UpstreamTimeoutError({ afterMs: silenceMs }) : otherwise({ cause: error })
  const leave = () => {
    watch.stop()
    call.signal.removeEventListener('abort', end)
  }
  const cancel = () => {
    leave()
    end()
  }
  let response: Response
  try {
    response = await fetch(`${upstream.url}/${call.route}`, {
      method: 'POST',
      headers: {
        accept: call.stream ? 'text/event-stream' : 'application/json',
        'content-type': 'application/json',
        ...upstream.headers,
      },
      body: JSON.stringify(call.body),
      // A redirect would carry the seller's key elsewhere.
      redirect: 'error',
      signal: ended.signal,
    })
  } catch (error) {
    leave()
    throw explain(error, (cause) => new UpstreamUnreachableError(cause))
  }
  const chunks = (async function* () {
    let size = 0
    try {
      for await (const chunk of response.body ?? []) {
        watch.stop()
        size += chunk.length
        if (size > maxBytes) {
          throw new UpstreamAnswerInvalidError({ problem: `it is longer than ${maxBytes} bytes` })
        }
        // While the buyer is slow the upstream's silence is not its own.
        yield chunk
        watch.start()
      }
    } catch (error) {
      if (error instanceof UpstreamAnswerInvalidError) throw error
      throw explain(error, (cause) => new UpstreamCutError(cause))
    } finally {
      cancel()
    }
  })()
  const answer = { chunks, cancel }
  if (!response.ok) throw await refusal(response.status, answer)
  const type = response.headers.get('content-type') ?? ''
  const wanted = call.stream ? 'text/event-stream' : 'application/json'
  if (!type.toLowerCase().startsWith(wanted)) {
    cancel()
    throw new UpstreamAnswerInvalidError({ problem: `its content type is '${type}' instead of '${wanted}'` })
  }
  return answer
}

const errorSchema = z.object({
  error: z.object({ message: z.string(), param: z.string().nullish() }),
})

async function refusal(status: number, answer: UpstreamAnswer): Promise<UpstreamRefusedError> {
  const text = await readAll(answer.chunks).catch(() => '')
  let json: unknown = null
  try {
    json = JSON.parse(text)
  } catch {
    // A proxy's page, not the API's answer: the status says enough.
  }
  const read = errorSchema.safeParse(json)
  // What it says about other statuses may name the seller's account or key.
  const told = read.success && (status === 400 || status === 422)
  return new UpstreamRefusedError({
    status,
    reason: told ? read.data.error.message.slice(0, 1000) : 'no reason is passed on.',
    param: told ? (read.data.error.param ?? null) : null,
  })
}

/** All of an answer as text. */
export async function readAll(chunks: AsyncIterable<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder()
  let text = ''
  for await (const chunk of chunks) text += decoder.decode(chunk, { stream: true })
  return text + decoder.decode()
}

function watchSilence(ms: number, onSilence: () => void) {
  let silent = false
  let timer: ReturnType<typeof setTimeout> | undefined
  const start = () => {
    timer = setTimeout(() => {
      silent = true
      onSilence()
    }, ms)
  }
  start()
  return { start, silent: () => silent, stop: () => clearTimeout(timer) }
}
