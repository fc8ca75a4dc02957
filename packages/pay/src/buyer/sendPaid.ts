import { exactReasons } from '../exact/reasons.ts'
import { pendingHeader } from '../seller/problem.ts'
import { readSettled } from './readDemand.ts'

/** Longest that one pause may be, in milliseconds, whatever the server says. */
const longestPause = 5_000

/**
 * Sends a paid request. While the server says that it does not know yet whether the payment is good or settled, the very same request with
 * the very same payment is sent again: no server may charge it twice.
 *
 * @param send Sends it once.
 * @param options For how long, in milliseconds, and what ends the waiting.
 * @returns The first answer that is another one, or the last.
 */
export async function sendPaid(
  send: () => Promise<Response>,
  { patienceMs, signal }: { readonly patienceMs: number; readonly signal: AbortSignal },
): Promise<Response> {
  let left = patienceMs
  for (;;) {
    const response = await send()
    if (left <= 0 || !isPending(response)) return response
    await response.body?.cancel()
    const wanted = Number(response.headers.get('retry-after') ?? 1) * 1000
    const pause = Math.min(wanted > 0 ? wanted : 1000, longestPause, left)
    left -= pause
    await wait(pause, signal)
  }
}

/** Ours says it by a header, others by what they say of the settlement. */
const isPending = (response: Response): boolean =>
  (response.status === 503 && response.headers.has(pendingHeader)) ||
  (response.status >= 400 && readSettled(response)?.errorReason === exactReasons.pending)

const wait = (ms: number, signal: AbortSignal) =>
  new Promise<void>((resolve, reject) => {
    signal.throwIfAborted()
    const stop = () => {
      clearTimeout(timer)
      reject(signal.reason)
    }
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', stop)
      resolve()
    }, ms)
    signal.addEventListener('abort', stop, { once: true })
  })
