import type { OpenAPIHono } from '@hono/zod-openapi'
import { z } from '@hono/zod-openapi'
import type { Deployment } from '@millrace/sdk'
import type { IndexStatus } from '../chain/startIndex.ts'
import type { RelayStats } from '../relay/createRelay.ts'
import type { Metrics } from './metrics.ts'
import { mount } from './mount.ts'
import * as wire from './wire.ts'

/** How a peer gateway fares. */
export interface PeerStatus {
  readonly url: string
  readonly since: number
  /** When it last answered, Unix seconds; `null` if it never did. */
  readonly seenAt: number | null
  /** Code of the last failure, `null` if the last attempt went well. */
  readonly error: string | null
}

/** What the routes of state are made with. */
export interface StateRoutesOptions {
  readonly deployment: Deployment
  readonly metrics: Metrics
  readonly timeoutMs: number
  readonly engine: 'pglite' | 'postgres'
  /** Milliseconds of a statement's round trip; `null` if the database did not answer. */
  readonly pingDatabase: () => Promise<number | null>
  readonly chain: () => IndexStatus
  readonly relay: () => RelayStats
  readonly peers: () => readonly PeerStatus[]
  readonly offers: () => { readonly live: number; readonly loaded: boolean }
}

const indexState = z.enum(['starting', 'backfilling', 'following', 'stalled', 'closed'])

/** Adds the routes that say how the gateway is, and which network it serves. */
export function stateRoutes(app: OpenAPIHono, options: StateRoutesOptions): void {
  const { deployment, metrics, timeoutMs, engine, pingDatabase, chain, relay, peers, offers } = options

  mount(
    app,
    {
      method: 'get',
      path: '/v1/health',
      summary: 'State of database, index, relay and peers. 503 if the database does not answer.',
      answer: z.object({
        status: z.enum(['ok', 'degraded', 'down']),
        database: z.object({ engine: z.enum(['pglite', 'postgres']), pingMs: z.number().nullable() }),
        chain: z.object({
          state: indexState,
          head: z.int().nullable(),
          indexed: z.int().nullable(),
          lag: z.int(),
          time: wire.seconds.nullable(),
          error: z.string().nullable(),
        }),
        offers: z.object({ live: z.int(), loaded: z.boolean() }),
        relay: z.object({ devices: z.int(), sessions: z.int() }),
        peers: z.array(
          z.object({
            url: z.string(),
            since: z.int(),
            seenAt: wire.seconds.nullable(),
            error: z.string().nullable(),
          }),
        ),
      }),
      handle: async ({ c }) => {
        const pingMs = await pingDatabase()
        const { state, head, indexed, lag, time, lastError } = chain()
        const book = offers()
        const { devices, sessions } = relay()
        const sound = state !== 'stalled' && state !== 'closed' && book.loaded
        const status = pingMs === null ? 'down' : sound ? 'ok' : 'degraded'
        return c.json(
          {
            status,
            database: { engine, pingMs },
            chain: {
              state,
              head: head ?? null,
              indexed: indexed ?? null,
              lag,
              time: time ?? null,
              error: state === 'stalled' ? (lastError?.code ?? null) : null,
            },
            offers: book,
            relay: { devices, sessions },
            peers: peers(),
          },
          status === 'down' ? 503 : 200,
        )
      },
    },
    timeoutMs,
  )

  mount(
    app,
    {
      method: 'get',
      path: '/v1/network',
      summary: 'The deployment this gateway serves, and how far it has followed its chain.',
      answer: z.object({
        chainId: z.int(),
        assets: wire.address,
        till: wire.address,
        market: wire.address,
        channels: wire.address,
        agents: z
          .object({
            policies: wire.address,
            factory: wire.address,
            module: wire.address,
            delegate: wire.address,
          })
          .optional(),
        currencies: z.array(
          z.object({
            address: wire.address,
            symbol: z.string(),
            decimals: z.int(),
            name: z.string(),
            version: z.string(),
          }),
        ),
        epochLength: z.int(),
        head: z.object({ number: z.int(), time: wire.seconds, indexed: z.int(), lag: z.int() }).nullable(),
      }),
      handle: ({ c }) => {
        const { head, indexed, lag, time } = chain()
        const { chainId, assets, till, market, channels, agents, currencies, epochLength } = deployment
        return c.json({
          chainId,
          assets,
          till,
          market,
          channels,
          agents,
          currencies,
          epochLength,
          head:
            indexed === undefined || time === undefined
              ? null
              : { number: head ?? indexed, time, indexed, lag },
        })
      },
    },
    timeoutMs,
  )

  metrics.gauge('offers_live', 'Offers that can be found', () => offers().live)
  metrics.gauge('relay_devices', 'Devices connected', () => relay().devices)
  metrics.gauge('relay_sessions', 'Sessions open', () => relay().sessions)
  metrics.gauge('relay_bytes_to_devices', 'Bytes forwarded to devices', () => relay().bytesToDevices)
  metrics.gauge('relay_bytes_to_buyers', 'Bytes forwarded to buyers', () => relay().bytesToBuyers)
  metrics.gauge('chain_head', 'Newest block of the chain', () => chain().head ?? 0)
  metrics.gauge('chain_indexed', 'Newest block in the index', () => chain().indexed ?? 0)
  metrics.gauge('chain_lag', 'Blocks the index is behind', () => chain().lag)
  metrics.gauge('chain_stalled', '1 while the chain cannot be followed', () =>
    chain().state === 'stalled' ? 1 : 0,
  )
  metrics.gauge(
    'peers_failing',
    'Peers whose last attempt failed',
    () => peers().filter(({ error }) => error !== null).length,
  )

  app.get('/metrics', async (c) =>
    c.body(await metrics.registry.metrics(), 200, { 'content-type': metrics.registry.contentType }),
  )
}
