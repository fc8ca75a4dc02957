import { Worker } from 'node:worker_threads'
import { headerNames } from '@millrace/pay'

/** Where to ask, and what: `GET`, or `POST` where there is a body. */
export interface Target {
  readonly port: number
  readonly path: string
  readonly body?: string
}

/** When a request began, in milliseconds of the system's clock, and how many its answer took. */
export interface Asked {
  readonly began: number
  readonly took: number
}

/** One for all: what is asked first is what it is compiled by. */
let client: Worker | null = null

/** Asks `perSecond` times a second, for each of `headers` once. One at a time. */
export function ask(
  { port, path, body }: Target,
  { headers, perSecond }: { readonly headers: readonly string[]; readonly perSecond: number },
): Promise<Asked[]> {
  const requests = headers.map((header) =>
    Buffer.from(
      [
        `${body === undefined ? 'GET' : 'POST'} ${path} HTTP/1.1`,
        ...['host: 127.0.0.1', 'connection: keep-alive'],
        ...(header === '' ? [] : [`${headerNames.payment}: ${header}`]),
        ...(body === undefined ? [] : ['content-type: application/json']),
        ...(body === undefined ? [] : [`content-length: ${Buffer.byteLength(body)}`]),
        ...['', body ?? ''],
      ].join('\r\n'),
    ),
  )
  client ??= new Worker(new URL('./askAtRate.mjs', import.meta.url), {
    execArgv: [],
    // Pauses of the client's own collector are no part of what the seller adds.
    resourceLimits: { maxYoungGenerationSizeMb: 128 },
  })
  const worker = client
  worker.ref()
  return new Promise<{ readonly began: Float64Array; readonly took: Float64Array }>((resolve, reject) => {
    worker.once('message', resolve)
    worker.once('error', reject)
    worker.postMessage({ port, requests, perSecond })
  }).then(({ began, took }) => {
    worker.removeAllListeners('error')
    worker.unref()
    return Array.from(took, (each, index) => ({ began: began[index] ?? 0, took: each }))
  })
}

export const round = (value: number) => Math.round(value * 1000) / 1000

/** Of times in milliseconds. */
export function quantiles(times: readonly number[]) {
  const sorted = [...times].sort((a, b) => a - b)
  const at = (part: number) => round(sorted[Math.floor(sorted.length * part)] ?? 0)
  return { p50: at(0.5), p99: at(0.99), most: round(sorted.at(-1) ?? 0) }
}
