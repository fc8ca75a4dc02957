import {
  type ClientRequest,
  Agent as HttpAgent,
  request as httpRequest,
  type IncomingMessage,
} from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import * as z from 'zod'
import {
  UpstreamAnswerInvalidError,
  UpstreamCutError,
  UpstreamRefusedError,
  UpstreamTimeoutError,
  UpstreamUnreachableError,
} from './errors.ts'
import { byteLength } from './meter.ts'

// Connections to the upstream are kept: a new one costs more than everything else here.
const httpAgent = new HttpAgent({ keepAlive: true, maxFreeSockets: 256 })
const httpsAgent = new HttpsAgent({ keepAlive: true, maxFreeSockets: 256 })

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
  const wanted = call.stream ? 'text/event-stream' : 'application/json'
  let outgoing: ClientRequest | undefined
  let incoming: IncomingMessage | undefined
  const watch = watchSilence(silenceMs, () => outgoing?.destroy())
  const explain = (error: unknown, otherwise: (options: { cause: unknown }) => Error) =>
    watch.silent() ? new UpstreamTimeoutError({ afterMs: silenceMs }) : otherwise({ cause: error })
  const cancel = () => {
    watch.stop()
    call.signal.removeEventListener('abort', cancel)
    // After a complete answer the connection is not ended but used again.
    if (incoming?.complete !== true) outgoing?.destroy()
  }
  call.signal.addEventListener('abort', cancel, { once: true })
  try {
    if (call.signal.aborted) throw new UpstreamUnreachableError()
    const body = JSON.stringify(call.body)
    const url = new URL(`${upstream.url}/${call.route}`)
    const send = url.protocol === 'https:' ? httpsRequest : httpRequest
    outgoing = send(url, {
      method: 'POST',
      agent: url.protocol === 'https:' ? httpsAgent : httpAgent,
      headers: {
        accept: wanted,
        'content-type': 'application/json',
        'content-length': byteLength(body),
        ...upstream.headers,
      },
    })
    outgoing.end(body)
    incoming = await answerOf(outgoing)
  } catch (error) {
    cancel()
    throw explain(error, (cause) => new UpstreamUnreachableError(cause))
  }
  const { statusCode: status = 0, headers } = incoming
  const body = incoming as AsyncIterable<Uint8Array>
  const chunks = (async function* () {
    let size = 0
    try {
      for await (const chunk of body) {
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
  if (status < 200 || status > 299) throw await refusal(status, answer)
  const type = headers['content-type'] ?? ''
  if (!type.toLowerCase().startsWith(wanted)) {
    cancel()
    throw new UpstreamAnswerInvalidError({ problem: `its content type is '${type}' instead of '${wanted}'` })
  }
  return answer
}

/** The head of the answer. Redirects are answers like others: to follow one would carry the seller's key elsewhere. */
function answerOf(outgoing: ClientRequest): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    outgoing.once('response', resolve)
    // Stays attached: what breaks later is told by the answer's own stream.
    outgoing.on('error', reject)
    outgoing.once('close', () => reject(new UpstreamUnreachableError()))
  })
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
