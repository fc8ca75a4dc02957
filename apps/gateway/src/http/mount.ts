import type { OpenAPIHono, z } from '@hono/zod-openapi'
import { parse } from '@millrace/sdk'
import type { Context } from 'hono'
import { RequestTimedOut } from './errors.ts'
import { readJson } from './readJson.ts'
import { faults, json } from './wire.ts'

/** Fields of a path or query: all arrive as text. */
type Fields = z.ZodObject

/** One route: what it is for people and for the OpenAPI document, what it takes, and what it answers. */
export interface Route<Query extends Fields, Params extends Fields, Body extends z.ZodType> {
  readonly method: 'get' | 'post'
  /** As OpenAPI writes it: `/v1/offers/{id}`. */
  readonly path: string
  readonly summary: string
  readonly query?: Query
  readonly params?: Params
  /** `wire` is what the document shows of it. */
  readonly body?: { readonly schema: Body; readonly wire: z.ZodType; readonly maxBytes: number }
  readonly answer: z.ZodType
  readonly handle: (input: {
    readonly query: z.output<Query>
    readonly params: z.output<Params>
    readonly body: z.output<Body>
    readonly c: Context
  }) => Promise<Response> | Response
}

/**
 * Adds a route to the app and to its OpenAPI document. Unknown query fields are refused: a misspelt filter must not pass for
 * a wider search. Handlers that take over `timeoutMs` are answered for.
 */
export function mount<
  Query extends Fields = z.ZodObject<Record<never, never>>,
  Params extends Fields = z.ZodObject<Record<never, never>>,
  Body extends z.ZodType = z.ZodNever,
>(app: OpenAPIHono, route: Route<Query, Params, Body>, timeoutMs: number): void {
  const { method, path, summary, query, params, body } = route
  app.openAPIRegistry.registerPath({
    method,
    path,
    summary,
    request: {
      ...(query === undefined ? {} : { query }),
      ...(params === undefined ? {} : { params }),
      ...(body === undefined
        ? {}
        : { body: { required: true, content: { 'application/json': { schema: body.wire } } } }),
    },
    responses: { 200: json(route.answer, 'Done'), ...faults },
  })
  app.on(method.toUpperCase(), path.replaceAll(/\{(\w+)\}/g, ':$1'), async (c) => {
    const work = async () =>
      route.handle({
        query: read(query, c.req.query(), 'query'),
        params: read(params, c.req.param(), 'path'),
        body: (body === undefined
          ? undefined
          : parse(body.schema, await readJson(c.req.raw, body.maxBytes), 'body')) as z.output<Body>,
        c,
      })
    return within(work(), timeoutMs)
  })
}

function read<S extends Fields>(schema: S | undefined, value: unknown, what: string): z.output<S> {
  return (schema === undefined ? {} : parse(schema.strict(), value, what)) as z.output<S>
}

async function within<T>(work: Promise<T>, timeoutMs: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new RequestTimedOut(timeoutMs)), timeoutMs)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}
