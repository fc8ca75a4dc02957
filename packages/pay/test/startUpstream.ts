import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** What a model server was asked, and how it answers. */
export interface Asked {
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: Record<string, unknown>
}

/** A model server that answers as a test tells it to, well or badly. */
export async function startUpstream(answer: (asked: Asked, response: ServerResponse) => Promise<void>) {
  const asked: Asked[] = []
  let left = 0
  let connections = 0
  const server = createServer(async (request, response) => {
    response.once('close', () => {
      if (!response.writableFinished) left++
    })
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const body = JSON.parse(Buffer.concat(chunks).toString()) as Record<string, unknown>
    const one = { path: request.url ?? '', headers: request.headers, body }
    asked.push(one)
    await answer(one, response)
  })
  server.on('connection', () => {
    connections++
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    asked,
    /** Answers that were broken off by the other side. */
    left: () => left,
    /** Connections that were made to it. */
    connections: () => connections,
    async close() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}

/** An event of a stream of completions. */
export const event = (text: string, more: object = {}) =>
  `data: ${JSON.stringify({ id: 'c', object: 'text_completion', created: 1, model: 'inner', choices: [{ index: 0, text, logprobs: null, finish_reason: null }], ...more })}\n\n`

/** Begins a stream. */
export const beginStream = (response: ServerResponse) =>
  response.writeHead(200, { 'content-type': 'text/event-stream', 'set-cookie': 'secret=1' })

/** A whole completion. */
export function sendCompletion(response: ServerResponse, text: string, usage?: object): void {
  response.writeHead(200, { 'content-type': 'application/json' })
  const choices = [{ index: 0, text, logprobs: null, finish_reason: 'stop' }]
  response.end(
    JSON.stringify({ id: 'c', object: 'text_completion', created: 1, model: 'inner', choices, usage }),
  )
}
