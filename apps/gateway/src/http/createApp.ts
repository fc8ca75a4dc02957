import { OpenAPIHono } from '@hono/zod-openapi'
import type { Context } from 'hono'
import { cors } from 'hono/cors'
import { routePath } from 'hono/route'
import type { Logger } from 'pino'
import { RateLimited, RouteUnknown } from './errors.ts'
import type { Metrics } from './metrics.ts'
import { toFault } from './toFault.ts'

/** What every request passes through. */
export interface AppOptions {
  readonly metrics: Metrics
  readonly log: Logger
  /** Origins whose pages may read answers; `*` for any. */
  readonly origins: readonly string[]
  /** Takes the price of a request from its client's allowance. @throws RateLimited */
  readonly charge: (c: Context, cost: number) => void
}

/** Routes that are asked by machines of the operator's own, too often to be limited. */
const UNLIMITED = new Set(['/v1/health', '/metrics'])

/** An app without routes: request numbers, limits, cross-origin answers, counts, log, and one form for all errors. */
export function createApp(options: AppOptions): OpenAPIHono {
  const { metrics, log, origins, charge } = options
  const app = new OpenAPIHono()
  let counter = 0
  const start = Date.now().toString(36)

  app.use(async (c, next) => {
    const request = `${start}-${(++counter).toString(36)}`
    const begun = performance.now()
    c.header('x-request-id', request)
    c.header('x-content-type-options', 'nosniff')
    await next()
    const ms = performance.now() - begun
    const route = routePath(c, -1)
    metrics.requests.inc({ route, status: c.res.status })
    metrics.duration.observe({ route }, ms / 1000)
    const level = c.res.status >= 500 ? 'warn' : 'debug'
    log[level]({
      event: 'http.request',
      request,
      method: c.req.method,
      route,
      status: c.res.status,
      ms: Math.round(ms * 10) / 10,
      ...(c.error === undefined ? {} : { code: toFault(c.error, request).error.code }),
    })
  })
  app.use(
    cors({
      origin: origins.includes('*') ? '*' : [...origins],
      allowMethods: ['GET', 'POST'],
      exposeHeaders: ['x-request-id', 'retry-after'],
      maxAge: 86_400,
    }),
  )
  app.use(async (c, next) => {
    if (!UNLIMITED.has(c.req.path)) charge(c, 1)
    await next()
  })

  app.notFound((c) => fail(c, new RouteUnknown(c.req.method, c.req.path.slice(0, 200))))
  app.onError((error, c) => fail(c, error))

  function fail(c: Context, thrown: unknown): Response {
    const request = c.res.headers.get('x-request-id') ?? ''
    const { status, body, error } = toFault(thrown, request)
    if (status >= 500)
      log.warn({ event: 'http.failed', request, code: error.code, cause: describe(error.cause) })
    if (error instanceof RateLimited) c.header('retry-after', String(error.retryAfter))
    return c.body(JSON.stringify(body), status as 400, { 'content-type': 'application/json' })
  }
  return app
}

/** Enough of a cause to look for it, and none of the values it was given. */
function describe(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause).slice(0, 200)
  const code = 'code' in cause ? ` ${String(cause.code)}` : ''
  return `${cause.name}${code}: ${cause.message.slice(0, 300)}`
}
