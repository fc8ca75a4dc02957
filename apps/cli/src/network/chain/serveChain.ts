import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { MillraceError } from '@millrace/sdk'
import { z } from 'zod'
import { classifyMethod } from './methods.ts'
import type { Chain } from './openChain.ts'

const callSchema = z.object({
  jsonrpc: z.literal('2.0'),
  id: z.union([z.string(), z.number(), z.null()]).optional(),
  method: z.string(),
  params: z.array(z.unknown()).default([]),
})
type Call = z.infer<typeof callSchema>

const longestBody = 8 * 1024 * 1024
const longestBatch = 1000

export interface ServeChainOptions {
  readonly chain: Chain
  readonly host: string
  /** 0 for any free port. */
  readonly port: number
}

/**
 * Serves a chain as JSON-RPC over HTTP: single calls and batches. `GET /health` answers the chain's id and head time.
 * Within a batch, calls that change the chain are executed in order.
 */
export async function serveChain(
  options: ServeChainOptions,
): Promise<{ url: string; close(): Promise<void> }> {
  const { chain } = options
  const server = createServer((request, response) => {
    handle(chain, request, response).catch((error: unknown) => {
      if (!response.headersSent) answer(response, 500, failure(null, -32603, describe(error)))
      else response.destroy()
    })
  })
  server.keepAliveTimeout = 60_000
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(options.port, options.host, resolve)
  })
  const { port } = server.address() as AddressInfo
  return {
    url: `http://${options.host}:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeIdleConnections()
        // Requests in flight get a moment to be answered.
        setTimeout(() => server.closeAllConnections(), 500).unref()
      }),
  }
}

async function handle(chain: Chain, request: IncomingMessage, response: ServerResponse): Promise<void> {
  response.setHeader('access-control-allow-origin', '*')
  if (request.method === 'OPTIONS') {
    response.setHeader('access-control-allow-headers', 'content-type')
    return answer(response, 204, '')
  }
  if (request.method === 'GET' && request.url === '/health')
    return answer(response, 200, JSON.stringify({ chainId: chain.chainId, headTime: chain.headTime }))
  if (request.method !== 'POST') return answer(response, 405, failure(null, -32600, 'send JSON-RPC by POST'))

  const body = await readBody(request)
  if (body === null)
    return answer(response, 413, failure(null, -32600, `a request is at most ${longestBody} bytes`))
  let parsed: unknown
  try {
    parsed = JSON.parse(body)
  } catch {
    return answer(response, 400, failure(null, -32700, 'the body is not JSON'))
  }
  if (!Array.isArray(parsed)) return answer(response, 200, await execute(chain, parsed))
  if (parsed.length === 0 || parsed.length > longestBatch)
    return answer(response, 200, failure(null, -32600, `a batch has 1 to ${longestBatch} calls`))
  const answers = await Promise.all(parsed.map((call) => execute(chain, call)))
  answer(response, 200, `[${answers.filter((text) => text !== '').join(',')}]`)
}

/** Executes one call; the answer as JSON text, empty for a notification. */
async function execute(chain: Chain, raw: unknown): Promise<string> {
  const parsed = callSchema.safeParse(raw)
  if (!parsed.success) return failure(null, -32600, 'not a JSON-RPC 2.0 call with an array of parameters')
  const call = parsed.data
  const text = await executeCall(chain, call)
  return call.id === undefined ? '' : text
}

async function executeCall(chain: Chain, call: Call): Promise<string> {
  const id = call.id ?? null
  switch (classifyMethod(call.method)) {
    case 'refused':
      return failure(
        id,
        -32601,
        `the local network does not offer '${call.method}': it keeps signed transactions and a few anvil_set* calls, nothing else that changes the chain`,
      )
    case 'read':
      return (await chain.read(JSON.stringify({ ...call, id }))).toString()
    case 'timed-read':
      return (await chain.read(JSON.stringify({ ...call, id, params: atNow(chain, call.params) }))).toString()
    case 'write':
      try {
        const { result = null, error } = await chain.write(call.method, call.params)
        return error === undefined
          ? JSON.stringify({ jsonrpc: '2.0', id, result })
          : JSON.stringify({ jsonrpc: '2.0', id, error })
      } catch (error) {
        return failure(id, -32603, describe(error))
      }
  }
}

/**
 * A call at the latest block sees the time of now, as a transaction sent now would; otherwise a quiet chain would say
 * that a lease still runs, and estimate gas for a moment that has passed.
 */
function atNow(chain: Chain, params: readonly unknown[]): readonly unknown[] {
  const [transaction, block = 'latest', state = {}, overrides] = params
  if ((block !== 'latest' && block !== 'pending') || overrides !== undefined) return params
  return [transaction, block, state, { time: `0x${chain.now().toString(16)}` }]
}

function readBody(request: IncomingMessage): Promise<string | null> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let size = 0
    request.on('data', (chunk: Buffer) => {
      size += chunk.length
      if (size <= longestBody) chunks.push(chunk)
    })
    request.on('end', () => resolve(size > longestBody ? null : Buffer.concat(chunks).toString()))
    request.on('error', reject)
  })
}

const failure = (id: string | number | null, code: number, message: string) =>
  JSON.stringify({ jsonrpc: '2.0', id, error: { code, message } })

const describe = (error: unknown) =>
  error instanceof MillraceError
    ? `${error.message}${error.remedy === undefined ? '' : ` ${error.remedy}`}`
    : error instanceof Error
      ? error.message
      : String(error)

function answer(response: ServerResponse, status: number, body: string): void {
  response.statusCode = status
  if (body !== '') response.setHeader('content-type', 'application/json')
  response.setHeader('content-length', Buffer.byteLength(body))
  response.end(body)
}
