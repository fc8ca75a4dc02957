import type { PaidHandler } from '@millrace/pay'
import { UpstreamDownError } from './errors.ts'

/** Headers between two neighbours, and those that pay us: the server behind sees neither. */
const notPassed = [
  ...['connection', 'keep-alive', 'proxy-authenticate', 'proxy-authorization', 'te', 'trailer'],
  ...['transfer-encoding', 'upgrade', 'host', 'content-length', 'expect'],
  ...['payment-signature', 'x-payment'],
]
/** What `fetch` has undone, and what belongs to the connection behind. */
const notGiven = ['connection', 'keep-alive', 'transfer-encoding', 'content-encoding', 'content-length']

/**
 * Answers with what another HTTP server answers. One that does not answer is 502, which is not charged.
 *
 * @param upstream Base URL; the request's path and query are put behind it.
 */
export function proxyUpstream(upstream: string): PaidHandler {
  const base = upstream.replace(/\/+$/, '')
  return async (request) => {
    const { pathname, search } = new URL(request.url)
    const headers = new Headers(request.headers)
    for (const name of notPassed) headers.delete(name)
    if (/^\s*Payment\s/i.test(headers.get('authorization') ?? '')) headers.delete('authorization')
    const body = request.body === null ? {} : { body: await request.arrayBuffer() }
    let answer: Response
    try {
      answer = await fetch(`${base}${pathname}${search}`, {
        ...{ method: request.method, headers, redirect: 'manual', signal: request.signal },
        ...body,
      })
    } catch (cause) {
      const { code, message, remedy } = new UpstreamDownError({ upstream, cause })
      return Response.json({ error: { code, message, remedy } }, { status: 502 })
    }
    const given = new Headers(answer.headers)
    for (const name of notGiven) given.delete(name)
    return new Response(answer.body, { status: answer.status, headers: given })
  }
}
