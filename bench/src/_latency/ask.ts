import { Worker } from 'node:worker_threads'
import { headerNames } from '@millrace/pay'

/** Where to ask, and what: `GET`, or `POST` where there is a body. */
export interface Target {
  readonly port: number
  readonly path: string
  readonly body?: string
}

/** Asks `perSecond` times a second, for each of `headers` once, and says how long each answer took, in milliseconds. */
export const ask = (
  { port, path, body }: Target,
  { headers, perSecond }: { readonly headers: readonly string[]; readonly perSecond: number },
): Promise<number[]> =>
  new Promise((resolve, reject) => {
    const worker = new Worker(new URL('./askAtRate.mjs', import.meta.url), {
      workerData: { port, path, body, headers, perSecond, header: headerNames.payment },
      execArgv: [],
      // Pauses of the client's own collector are no part of what the seller adds.
      resourceLimits: { maxYoungGenerationSizeMb: 128 },
    })
    worker.once('message', resolve)
    worker.once('error', reject)
  })

export const round = (value: number) => Math.round(value * 1000) / 1000

/** Of times in milliseconds. */
export function quantiles(times: readonly number[]) {
  const sorted = [...times].sort((a, b) => a - b)
  const at = (part: number) => round(sorted[Math.floor(sorted.length * part)] ?? 0)
  return { p50: at(0.5), p99: at(0.99), most: round(sorted.at(-1) ?? 0) }
}
