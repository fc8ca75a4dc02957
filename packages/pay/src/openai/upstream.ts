import { Agent, type Dispatcher, errors, request } from 'undici'
import * as z from 'zod'
import {
  UpstreamAnswerInvalidError,
  UpstreamCutError,
  UpstreamRefusedError,
  UpstreamTimeoutError,
  UpstreamUnreachableError,
} from './errors.ts'

/** Connections to upstreams are kept: a new one costs more than everything else here. */
const connections = new Agent({ connect: { timeout: 10_000 } })

/** What an upstream may still send behind the mark of its end, and how long it may take to end. */
const mostRest = 64 << 10
const restMs = 1000

/** What is sold: a server that speaks OpenAI's API. */
export interface Upstream {
  /** Base URL with `/v1`. */
  readonly url: string
  /** The seller's own headers for it, `authorization` above all. Nothing of the buyer's is passed on. */
  readonly headers?: Readonly<Record<string, string>>
  /** Longest silence before its answer and within it, in milliseconds; 120 s by default. It is connected to within 10 s. */
  readonly silenceMs?: number
  /** Most bytes of an answer; 16 MiB by default. */
  readonly maxBytes?: number
}

export interface UpstreamAnswer {
  readonly chunks: AsyncGenerator<Uint8Array, void, void>
  /** Ends the upstream's work; more than once does no harm. */
  cancel(): void
  /**
   * Nothing more of it is wanted, and it is at its end: what little is left is read and dropped, so that its connection
   * serves the next call. It is cut where that is more, or does not come soon.
   */
  finish(): void
}

/**
 * Sends a call to the upstream. Only its status and content type decide whether it is an answer; of its headers nothing is
 * passed on. A redirect is an answer like others: to follow it would carry the seller's key elsewhere.
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
  const explain: Explain = (error, otherwise) =>
    isSilence(error) ? new UpstreamTimeoutError({ afterMs: silenceMs }) : otherwise({ cause: error })
  let response: Dispatcher.ResponseData
  try {
    response = await request(`${upstream.url}/${call.route}`, {
      method: 'POST',
      dispatcher: connections,
      signal: call.signal,
      headersTimeout: silenceMs,
      // While the buyer is slow nothing is read, and the upstream's silence is not its own.
      bodyTimeout: silenceMs,
      headers: { accept: wanted, 'content-type': 'application/json', ...upstream.headers },
      body: JSON.stringify(call.body),
    })
  } catch (error) {
    throw explain(error, (cause) => new UpstreamUnreachableError(cause))
  }
  const { statusCode: status, headers, body } = response
  // What breaks while nobody reads is told to whoever reads next.
  body.on('error', () => undefined)
  const cancel = () => void body.destroy()
  const chunks = chunksOf(body.iterator({ destroyOnReturn: false }), { maxBytes, explain, cancel })
  const answer = { chunks, cancel, finish: () => drain(body) }
  if (status < 200 || status > 299) throw await refusal(status, answer)
  const type = String(headers['content-type'] ?? '')
  if (!type.toLowerCase().startsWith(wanted)) {
    answer.cancel()
    throw new UpstreamAnswerInvalidError({ problem: `its content type is '${type}' instead of '${wanted}'` })
  }
  return answer
}

function drain(body: Dispatcher.ResponseData['body']): void {
  if (body.destroyed) return
  const late = setTimeout(() => body.destroy(), restMs)
  body.once('close', () => clearTimeout(late))
  let rest = 0
  body.on('data', (chunk: Uint8Array) => {
    rest += chunk.length
    if (rest > mostRest) body.destroy()
  })
}

type Explain = (error: unknown, otherwise: (options: { readonly cause: unknown }) => Error) => Error

/**
 * The bytes of an answer as they come. No function within `callUpstream`: each generator function that is made has a hidden class of its
 * own, which V8 keeps among old objects, and all that the function sees with it.
 */
async function* chunksOf(
  body: AsyncIterable<Uint8Array>,
  {
    maxBytes,
    explain,
    cancel,
  }: { readonly maxBytes: number; readonly explain: Explain; readonly cancel: () => void },
): AsyncGenerator<Uint8Array, void, void> {
  let size = 0
  try {
    for await (const chunk of body) {
      size += chunk.length
      if (size > maxBytes) {
        throw new UpstreamAnswerInvalidError({ problem: `it is longer than ${maxBytes} bytes` })
      }
      yield chunk
    }
  } catch (error) {
    cancel()
    if (error instanceof UpstreamAnswerInvalidError) throw error
    throw explain(error, (cause) => new UpstreamCutError(cause))
  }
}

const isSilence = (error: unknown) =>
  error instanceof errors.HeadersTimeoutError || error instanceof errors.BodyTimeoutError

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
  const all: Uint8Array[] = []
  for await (const chunk of chunks) all.push(chunk)
  return utf8.decode(all.length === 1 ? all[0] : Buffer.concat(all))
}

const utf8 = new TextDecoder()
