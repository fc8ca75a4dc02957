import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Model } from '@millrace/example-train-lm'
import { answerEmbedding, type Plan, planChat, planCompletion, type Served } from './answers.ts'
import { continueText, type Piece } from './continueText.ts'
import {
  ApiError,
  BodyNotJson,
  BodyTooLarge,
  InternalError,
  MethodUnsupported,
  ModelNotFound,
  ServerBusy,
  UnknownUrl,
} from './errors.ts'
import { chatSchema, completionSchema, embeddingSchema, readRequest } from './requests.ts'

export interface ServeOptions {
  /** Name of the model in the API. */
  readonly name: string
  readonly host?: string
  /** 0 takes a free one. */
  readonly port?: number
  /** Most tokens of prompt and answer together; 4096 by default. */
  readonly context?: number
  /** Most requests answered at once; 32 by default. */
  readonly atOnce?: number
}

export interface ServedModel {
  /** Base URL for clients, with `/v1`. */
  readonly url: string
  /** Requests being answered now. */
  readonly busy: () => number
  close(): Promise<void>
}

const maxBody = 1 << 20

/**
 * Serves a trained model through OpenAI's API: models, completions, chat completions and embeddings, streamed if asked.
 *
 * @example
 * const { url } = await serveModel(await loadModel('out'), { name: 'millrace-lm' })
 */
export async function serveModel(model: Model, options: ServeOptions): Promise<ServedModel> {
  const { name, host = '127.0.0.1', port = 0, context = 4096, atOnce = 32 } = options
  const served: Served = { model, name, context, created: Math.floor(Date.now() / 1000) }
  let busy = 0
  const server = createServer((request, response) => {
    const gone = new AbortController()
    response.once('close', () => gone.abort())
    if (busy >= atOnce) return sendError(response, new ServerBusy(atOnce))
    busy++
    answer(served, { request, response, signal: gone.signal })
      .catch((error: unknown) => sendError(response, error))
      .finally(() => busy--)
  })
  server.listen(port, host)
  await once(server, 'listening')
  return {
    url: `http://${host}:${(server.address() as AddressInfo).port}/v1`,
    busy: () => busy,
    close: async () => {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}

interface Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly signal: AbortSignal
}

async function answer(served: Served, exchange: Exchange): Promise<void> {
  const { request, response } = exchange
  const path = new URL(request.url ?? '/', 'http://host').pathname
  const method = request.method ?? ''
  const info = { id: served.name, object: 'model', created: served.created, owned_by: 'millrace' }
  if (path === '/v1/models' || path.startsWith('/v1/models/')) {
    if (method !== 'GET') throw new MethodUnsupported(method, path, 'GET')
    const id = decodeURIComponent(path.slice('/v1/models/'.length))
    if (path === '/v1/models') return send(response, 200, { object: 'list', data: [info] })
    if (id !== served.name) throw new ModelNotFound(id)
    return send(response, 200, info)
  }
  if (!['/v1/completions', '/v1/chat/completions', '/v1/embeddings'].includes(path)) {
    throw new UnknownUrl(method, path)
  }
  if (method !== 'POST') throw new MethodUnsupported(method, path, 'POST')
  const body = await readJson(request)
  const known = <value extends { model: string }>(value: value): value => {
    if (value.model !== served.name) throw new ModelNotFound(value.model)
    return value
  }
  if (path === '/v1/embeddings') {
    return send(response, 200, await answerEmbedding(served, known(readRequest(embeddingSchema, body))))
  }
  const plan =
    path === '/v1/completions'
      ? planCompletion(served, known(readRequest(completionSchema, body)))
      : planChat(served, known(readRequest(chatSchema, body)))
  return plan.stream ? stream(served, plan, exchange) : whole(served, plan, exchange)
}

async function whole(served: Served, plan: Plan, { response, signal }: Exchange): Promise<void> {
  let text = ''
  let last: Piece = { text: '', tokens: 0, finish: null }
  for await (const piece of continueText(served.model, { ...plan.options, signal })) {
    text += piece.text
    last = piece
  }
  if (!signal.aborted) send(response, 200, plan.whole(text, last))
}

async function stream(served: Served, plan: Plan, { response, signal }: Exchange): Promise<void> {
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' })
  const write = async (data: string) => {
    // A slow reader slows the model down; one that left ends the wait.
    if (!response.write(`data: ${data}\n\n`) && !signal.aborted) {
      await once(response, 'drain', { signal }).catch(() => {})
    }
  }
  let tokens = 0
  let first = true
  for await (const piece of continueText(served.model, { ...plan.options, signal })) {
    tokens = piece.tokens
    if (piece.text === '' && piece.finish === null) continue
    await write(JSON.stringify(plan.chunk(piece, first)))
    first = false
  }
  if (plan.includeUsage) await write(JSON.stringify(plan.usage(tokens)))
  await write('[DONE]')
  response.end()
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request) {
    size += chunk.length
    if (size > maxBody) throw new BodyTooLarge(maxBody)
    chunks.push(chunk)
  }
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks)))
  } catch {
    throw new BodyNotJson()
  }
}

function send(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' })
  response.end(JSON.stringify(body))
}

function sendError(response: ServerResponse, error: unknown): void {
  // The client left while it was sending: there is nobody to answer and nothing that failed.
  if (response.destroyed) return
  const shown = error instanceof ApiError ? error : new InternalError()
  if (!(error instanceof ApiError)) console.error(error)
  if (response.headersSent) response.destroy()
  else {
    // The rest of a body that was not read must not be taken for the next request.
    if (shown.status === 413) response.setHeader('connection', 'close')
    send(response, shown.status, shown.body)
  }
}
