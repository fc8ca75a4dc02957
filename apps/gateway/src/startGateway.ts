import { randomBytes } from 'node:crypto'
import type { IncomingMessage, Server } from 'node:http'
import type { Duplex } from 'node:stream'
import { createAdaptorServer } from '@hono/node-server'
import pino from 'pino'
import { type ChainIndex, startIndex } from './chain/startIndex.ts'
import { startChallenges } from './challenges/startChallenges.ts'
import type { Database } from './database/Database.ts'
import { openDatabase } from './database/openDatabase.ts'
import { openLedgers } from './evidence/openLedgers.ts'
import { startFacilitator } from './facilitator/startFacilitator.ts'
import type { GatewayOptions } from './GatewayOptions.ts'
import { clientOf } from './http/clientOf.ts'
import { createApi } from './http/createApi.ts'
import { RateLimited } from './http/errors.ts'
import { createMetrics } from './http/metrics.ts'
import { RateLimiter } from './http/RateLimiter.ts'
import { toFault } from './http/toFault.ts'
import { createChainReader } from './offers/ChainReader.ts'
import { DocumentCache } from './offers/DocumentCache.ts'
import { openOfferBook } from './offers/OfferBook.ts'
import { deleteExpired } from './offers/OfferTable.ts'
import { assetsOfLeases, readStandings } from './offers/readStandings.ts'
import { reconcileAll, reconcileTouched } from './offers/reconcileOffers.ts'
import { startSearchFeed } from './offers/SearchFeed.ts'
import { startPeers } from './peers/startPeers.ts'
import { createRelay } from './relay/createRelay.ts'
import { ownAddresses } from './relay/ownAddresses.ts'
import { SearchIndex } from './search/SearchIndex.ts'

/** A running gateway. */
export interface Gateway {
  /** Base URL, `http://127.0.0.1:8080`. */
  readonly url: string
  /** Stops taking requests, ends the relay's connections, and closes the database. */
  close(): Promise<void>
}

/** Expired offers stay readable by id for so long, in seconds. */
const KEEP_EXPIRED = 3_600
/** Characters of offers that are kept in memory to be shown. */
const CACHE_CHARACTERS = 32 * 1024 * 1024
const SWEEP_MS = 30_000
const STANDINGS_MS = 300_000
/** Time that requests under way are given at the end, in milliseconds. */
const DRAIN_MS = 5_000
/** Time for the head of a request to arrive, and between two looks for slow ones, in milliseconds. */
const HEAD_MS = 10_000
const CHECK_MS = 500

/**
 * Starts a gateway: database, index of the chain, offers, relay, HTTP.
 * @throws DataDirInUse | MigrationChanged | MigrationUnknown, or the system's error if the port is taken
 * @example const gateway = await startGateway({ deployment, rpcUrl, database: { memory: true } })
 */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const log = options.log ?? pino({ level: 'silent' })
  const database = await openDatabase(options.database)
  try {
    return await startOn(database, { ...options, log })
  } catch (error) {
    await database.close()
    throw error
  }
}

async function startOn(
  database: Database,
  options: GatewayOptions & { readonly log: pino.Logger },
): Promise<Gateway> {
  const { deployment, rpcUrl, log } = options
  const now = options.now ?? (() => Math.floor(Date.now() / 1000))
  const timeoutMs = options.requestTimeoutMs ?? 30_000
  const metrics = createMetrics()
  const failed = (event: string) => (error: unknown) => {
    log.warn({ event, code: toFault(error, '').error.code })
  }

  const index = new SearchIndex(randomBytes(4).readUInt32LE())
  const standingsOf = (assets: readonly string[] | undefined) => readStandings(database, assets)
  const cache = new DocumentCache(CACHE_CHARACTERS)
  const feed = await startSearchFeed({
    database,
    index,
    standingsOf,
    pollMs: 1_000,
    now,
    onChange: (id) => cache.delete(id),
    onError: failed('offers.feed_failed'),
  })
  const chain = startIndex({
    database,
    rpcUrl,
    deployment: { ...deployment, startBlock: options.startBlock ?? 0 },
    ...(options.chainPollMs === undefined ? {} : { pollMs: options.chainPollMs }),
    ...(options.finality === undefined ? {} : { finality: options.finality }),
    timeoutMs: options.rpcTimeoutMs ?? 5_000,
    within: {
      applied: (session, events) => reconcileTouched(session, events),
      undone: (session) => reconcileAll(session),
      // After a reset every asset's registration is applied again, and with it the asset's offers.
    },
  })
  followStandings(chain, { database, index, onError: failed('offers.standings_failed') })
  chain.on('failed', failed('chain.failed'))
  const reader = createChainReader(rpcUrl, deployment, options.rpcTimeoutMs ?? 5_000)
  const book = openOfferBook({ database, deployment, chain: reader, index, feed, cache, standingsOf, now })
  const decimals = new Map(deployment.currencies.map((one) => [one.address.toLowerCase(), one.decimals]))
  const ledgers = openLedgers(database, {
    held: [deployment.market, deployment.channels],
    decimalsOf: (currency) => decimals.get(currency) ?? 18,
  })
  chain.on('reset', ledgers.forget)
  let addresses: readonly string[] = []
  const relay = createRelay({
    chainId: deployment.chainId,
    addresses: () => addresses,
    ...(options.relay === undefined ? {} : { limits: options.relay }),
    onEvent: (event) => {
      metrics.relayEvents.inc({ type: event.type, code: 'code' in event ? event.code : 0 })
      log.debug({ ...event, event: `relay.${event.type}` })
    },
  })
  const challenges =
    options.challenges === undefined
      ? undefined
      : startChallenges({
          ...options.challenges,
          database,
          relay,
          now,
          onEvent: (event) => log.info(event),
          onError: failed('challenge.failed'),
        })
  const facilitator =
    options.facilitator === undefined
      ? undefined
      : await startFacilitator(options.facilitator, {
          database,
          deployment,
          rpcUrl,
          rpcTimeoutMs: options.rpcTimeoutMs ?? 5_000,
          pollMs: options.chainPollMs ?? 250,
          now,
        })
  const peers = await startPeers({
    urls: options.peers ?? [],
    database,
    book,
    pollMs: options.peerPollMs ?? 5_000,
    now,
    onEvent: (event) => log.info(event),
  })

  const limiter = new RateLimiter(options.rate ?? { perSecond: 100, burst: 500 })
  const clientOfRequest = (request: IncomingMessage) => {
    const noted = options.proxyHeader === undefined ? undefined : request.headers[options.proxyHeader]
    return clientOf(request.socket.remoteAddress, Array.isArray(noted) ? noted.at(-1) : noted)
  }
  const charge = (request: IncomingMessage, cost: number) => {
    const wait = limiter.take(clientOfRequest(request), cost, performance.now())
    if (wait === 0) return
    metrics.limited.inc()
    throw new RateLimited(wait)
  }
  const app = createApi({
    deployment,
    database,
    book,
    ledgers,
    metrics,
    log,
    timeoutMs,
    origins: options.origins ?? ['*'],
    charge,
    facilitate: facilitator?.handle,
    chain: () => chain.status(),
    relay: () => relay.stats(),
    peers: () => peers.status(),
    offers: () => ({ live: index.size, loaded: feed.loaded() }),
  })

  const headMs = options.slowClientMs ?? HEAD_MS
  const server = createAdaptorServer({
    fetch: app.fetch,
    overrideGlobalObjects: false,
    serverOptions: {
      headersTimeout: headMs,
      requestTimeout: 2 * headMs,
      connectionsCheckingInterval: CHECK_MS,
      keepAliveTimeout: 30_000,
      maxHeaderSize: 16 * 1024,
    },
  }) as Server
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', () => socket.destroy())
    const { pathname } = new URL(request.url ?? '/', 'http://gateway')
    if (pathname !== '/v1/relay/device' && pathname !== '/v1/relay/session') {
      socket.end('HTTP/1.1 404 Not Found\r\nconnection: close\r\n\r\n')
      return
    }
    try {
      charge(request, 1)
    } catch {
      socket.end('HTTP/1.1 429 Too Many Requests\r\nconnection: close\r\n\r\n')
      return
    }
    relay.upgrade(request, socket, head, clientOfRequest(request))
  })

  const sweep = setInterval(() => {
    index.removeExpired(now())
    deleteExpired(database, now() - KEEP_EXPIRED).catch(failed('offers.sweep_failed'))
  }, SWEEP_MS)
  const standings = setInterval(() => {
    standingsOf(undefined)
      .then((all) => index.setStandings(all))
      .catch(failed('offers.standings_failed'))
  }, STANDINGS_MS)

  let closing: Promise<void> | undefined
  const close = () => {
    closing ??= (async () => {
      clearInterval(sweep)
      clearInterval(standings)
      await Promise.all([stopServer(server), relay.close()])
      await Promise.all([
        challenges?.close(),
        facilitator?.close(),
        peers.close(),
        feed.close(),
        chain.close(),
        ledgers.close(),
      ])
      await database.close()
      log.info({ event: 'gateway.closed' })
    })()
    return closing
  }
  try {
    const url = await listen(server, options.host ?? '127.0.0.1', options.port ?? 0)
    addresses = ownAddresses(Number(new URL(url).port), options.urls)
    log.info({ event: 'gateway.started', url, chainId: deployment.chainId, engine: database.engine })
    return { url, close }
  } catch (error) {
    await close()
    throw error
  }
}

/** Passes on what new blocks say of assets to the search index. */
function followStandings(
  chain: ChainIndex,
  options: {
    readonly database: Database
    readonly index: SearchIndex
    readonly onError: (error: unknown) => void
  },
): void {
  const { database, index, onError } = options
  const refresh = (work: Promise<readonly string[] | undefined>) => {
    work
      .then((assets) => readStandings(database, assets))
      .then((standings) => index.setStandings(standings))
      .catch(onError)
  }
  chain.on('applied', (events) => {
    const leases = events.flatMap((event) =>
      event.type.startsWith('market.') && 'lease' in event.args ? [event.args.lease] : [],
    )
    if (leases.length > 0) refresh(assetsOfLeases(database, leases))
  })
  chain.on('undone', () => refresh(Promise.resolve(undefined)))
  chain.on('reset', () => refresh(Promise.resolve(undefined)))
  chain.on('moved', () => refresh(Promise.resolve(undefined)))
}

async function listen(server: Server, host: string, port: number): Promise<string> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      server.off('error', reject)
      resolve()
    })
  })
  const address = server.address()
  const bound = typeof address === 'object' && address !== null ? address.port : port
  return `http://${host.includes(':') ? `[${host}]` : host}:${bound}`
}

async function stopServer(server: Server): Promise<void> {
  if (!server.listening) return
  const stopped = new Promise<void>((resolve) => server.close(() => resolve()))
  server.closeIdleConnections()
  const timer = setTimeout(() => server.closeAllConnections(), DRAIN_MS)
  await stopped
  clearTimeout(timer)
}
