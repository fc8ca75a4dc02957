import type { MillraceError } from '@millrace/sdk/errors'

/** An answer that says what is wrong, for programs and people. */
export function problem(
  status: number,
  error: MillraceError,
  headers: Readonly<Record<string, string>> = {},
): Response {
  const { code, message, remedy } = error
  return new Response(JSON.stringify({ error: { code, message, remedy } }), {
    status,
    headers: { 'content-type': 'application/json', 'cache-control': 'no-store', ...headers },
  })
}

/** Header of a 503 answer after which the same payment is to be sent again; it holds the error's code. */
export const pendingHeader = 'Millrace-Pending'

/** Not 402: a client that pays at every 402 would sign a second payment. */
export const unavailable = (error: MillraceError) =>
  problem(503, error, { 'retry-after': '2', [pendingHeader]: error.code })
