import type { IncomingMessage } from 'node:http'
import type { HttpBindings } from '@hono/node-server'
import type { OpenAPIHono } from '@hono/zod-openapi'
import type { Context } from 'hono'
import type { Database } from '../database/Database.ts'
import type { Ledgers } from '../evidence/openLedgers.ts'
import type { OfferBook } from '../offers/OfferBook.ts'
import { chainRoutes } from './chainRoutes.ts'
import { type AppOptions, createApp } from './createApp.ts'
import { evidenceRoutes } from './evidenceRoutes.ts'
import { offerRoutes } from './offerRoutes.ts'
import { openApi } from './openApi.ts'
import { type StateRoutesOptions, stateRoutes } from './stateRoutes.ts'
import { type X402RoutesOptions, x402Routes } from './x402Routes.ts'

/** What the whole API is made with. */
export interface ApiOptions
  extends Omit<AppOptions, 'charge'>,
    Omit<StateRoutesOptions, 'engine' | 'pingDatabase'>,
    Pick<X402RoutesOptions, 'facilitate'> {
  readonly database: Database
  readonly book: OfferBook
  readonly ledgers: Ledgers
  /** Takes the price of a request from its client's allowance. @throws RateLimited */
  readonly charge: (request: IncomingMessage, cost: number) => void
}

/** A database that takes longer counts as not answering, milliseconds. */
const PING_MS = 2_000

/** The app with all its routes. */
export function createApi(options: ApiOptions): OpenAPIHono {
  const { database, book, ledgers, metrics, timeoutMs, offers } = options
  const charge = (c: Context<{ Bindings: HttpBindings }>, cost: number) =>
    options.charge(c.env.incoming, cost)
  const app = createApp({ ...options, charge })
  offerRoutes(app, {
    book,
    metrics,
    timeoutMs,
    charge,
    loading: () => (offers().loaded ? undefined : offers().live),
  })
  chainRoutes(app, { database, timeoutMs })
  evidenceRoutes(app, { database, ledgers, timeoutMs, charge })
  stateRoutes(app, { ...options, engine: database.engine, pingDatabase: () => ping(database) })
  x402Routes(app, { facilitate: options.facilitate, charge })
  let document: string | undefined
  app.get('/v1/openapi.json', (c) => {
    document ??= JSON.stringify(openApi(app))
    return c.body(document, 200, { 'content-type': 'application/json' })
  })
  return app
}

async function ping(database: Database): Promise<number | null> {
  const begun = performance.now()
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<null>((resolve) => {
    timer = setTimeout(() => resolve(null), PING_MS)
  })
  const answer = database.query('select 1 as one').then(
    () => Math.round((performance.now() - begun) * 10) / 10,
    () => null,
  )
  try {
    return await Promise.race([answer, late])
  } finally {
    clearTimeout(timer)
  }
}
