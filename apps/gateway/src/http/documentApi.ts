import pino from 'pino'
import { zeroAddress } from 'viem'
import type { Database } from '../database/Database.ts'
import { ormOn } from '../database/ormOn.ts'
import type { OfferBook } from '../offers/OfferBook.ts'
import { createApi } from './createApi.ts'
import { RouteUnknown } from './errors.ts'
import { createMetrics } from './metrics.ts'
import { openApi } from './openApi.ts'

/** The OpenAPI document as text, from the routes themselves, without a running gateway. */
export function documentApi(): string {
  const refuse = () => Promise.reject(new RouteUnknown('GET', 'a document'))
  const database: Database = {
    engine: 'pglite',
    query: refuse,
    exec: refuse,
    orm: ormOn(refuse),
    transaction: refuse,
    listen: refuse,
    close: async () => {},
  }
  const book: OfferBook = { publish: refuse, withdraw: refuse, search: refuse, get: refuse, changes: refuse }
  const app = createApi({
    deployment: {
      chainId: 31337,
      assets: zeroAddress,
      till: zeroAddress,
      market: zeroAddress,
      channels: zeroAddress,
      currencies: [],
      epochLength: 1,
    },
    database,
    book,
    ledgers: { of: refuse, forget: () => {}, close: refuse },
    metrics: createMetrics(),
    log: pino({ level: 'silent' }),
    timeoutMs: 1,
    origins: ['*'],
    charge: () => {},
    facilitate: undefined,
    chain: () => ({
      state: 'closed',
      head: undefined,
      headSeenAt: undefined,
      indexed: undefined,
      time: undefined,
      lag: 0,
      lastError: undefined,
    }),
    relay: () => ({ devices: 0, sessions: 0, bytesToDevices: 0, bytesToBuyers: 0 }),
    peers: () => [],
    offers: () => ({ live: 0, loaded: true }),
  })
  return `${JSON.stringify(openApi(app), null, 2)}\n`
}
