import { RpcRefused, RpcTimeout, RpcUnreachable } from './errors.ts'

/** One JSON-RPC call. */
export interface Call {
  readonly method: string
  readonly params: readonly unknown[]
}

/** A JSON-RPC endpoint over HTTP that answers within its time or fails. */
export interface Rpc {
  /** @throws RpcTimeout, RpcUnreachable, RpcRefused */
  call(method: string, params: readonly unknown[]): Promise<unknown>
  /** Several calls in one request; answers in the order of the calls. @throws as `call`, when any fails */
  batch(calls: readonly Call[]): Promise<unknown[]>
  /** Ends calls under way; they fail with RpcUnreachable. */
  close(): void
}

/** Where and how patiently to ask. */
export interface RpcOptions {
  readonly url: string
  /** For one request with its whole body, milliseconds. */
  readonly timeoutMs: number
  /** A longer answer is refused, as a server refuses too wide a range. */
  readonly maxBytes: number
}

interface Answer {
  readonly id?: unknown
  readonly result?: unknown
  readonly error?: { readonly code?: unknown; readonly message?: unknown }
}

/**
 * Opens nothing yet: requests are made as they come. The time limit covers the body too, because a server that
 * sends its headers and then stalls is as dead as one that never answers; and nothing is retried here, because the
 * index decides what to ask next.
 */
export function createRpc(options: RpcOptions): Rpc {
  const { url, timeoutMs, maxBytes } = options
  const running = new Set<AbortController>()
  let ids = 0

  async function post(method: string, body: string): Promise<unknown> {
    const controller = new AbortController()
    running.add(controller)
    let late = false
    const timer = setTimeout(() => {
      late = true
      controller.abort()
    }, timeoutMs)
    try {
      const response = await fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body,
        signal: controller.signal,
      })
      const text = await readText(response, method, maxBytes)
      return JSON.parse(text)
    } catch (cause) {
      if (cause instanceof RpcRefused) throw cause
      if (late) throw new RpcTimeout(method, timeoutMs)
      throw new RpcUnreachable(method, (cause as { cause?: unknown }).cause ?? cause)
    } finally {
      clearTimeout(timer)
      running.delete(controller)
    }
  }

  async function batch(calls: readonly Call[]): Promise<unknown[]> {
    const method = calls[0]?.method ?? ''
    const requests = calls.map((call) => ({ jsonrpc: '2.0', id: ++ids, ...call }))
    const answers = await post(method, JSON.stringify(requests))
    if (!Array.isArray(answers)) return [resultOf(method, answers as Answer)]
    // Servers may answer a batch in any order.
    const byId = new Map((answers as Answer[]).map((answer) => [answer?.id, answer]))
    return requests.map(({ id }) => resultOf(method, byId.get(id)))
  }

  return {
    async call(method, params) {
      const answer = await post(method, JSON.stringify({ jsonrpc: '2.0', id: ++ids, method, params }))
      return resultOf(method, answer as Answer)
    },
    batch,
    close() {
      for (const controller of running) controller.abort()
    },
  }
}

async function readText(response: Response, method: string, maxBytes: number): Promise<string> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of response.body ?? []) {
    size += chunk.byteLength
    if (size > maxBytes) throw new RpcRefused(method, 0, `the answer is longer than ${maxBytes} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function resultOf(method: string, answer: Answer | undefined): unknown {
  if (typeof answer !== 'object' || answer === null) {
    throw new RpcUnreachable(method, 'the answer is not JSON-RPC')
  }
  if (answer.error !== undefined && answer.error !== null) {
    throw new RpcRefused(method, Number(answer.error.code ?? 0), String(answer.error.message ?? ''))
  }
  if (answer.result === undefined) throw new RpcUnreachable(method, 'the answer has no result')
  return answer.result
}
