import { pause } from '../facilitator/waiting.ts'

/** Times that a seller is asked again, and seconds in between at most. */
const mostAsks = 20
const longestWait = 5

/**
 * Sends a paid request, and sends it again while the seller does not know whether its payment was settled: 503 with a short
 * `Retry-After`.
 *
 * @throws What `send` throws, and the signal's reason once it is aborted.
 */
export async function askUntilKnown(send: () => Promise<Response>, signal: AbortSignal): Promise<Response> {
  for (let ask = 0; ; ask++) {
    const response = await send()
    const after = Number(response.headers.get('retry-after') ?? Number.NaN)
    if (response.status !== 503 || !(after >= 0 && after <= longestWait) || ask >= mostAsks) return response
    await response.body?.cancel()
    await pause(after * 1_000, signal)
    signal.throwIfAborted()
  }
}
