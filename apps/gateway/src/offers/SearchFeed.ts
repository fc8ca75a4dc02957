import type { Hash } from 'viem'
import type { Database } from '../database/Database.ts'
import type { AssetStanding, SearchIndex } from '../search/SearchIndex.ts'
import { indexedOffer } from './facets.ts'
import { type FacetedOffer, facetsSince, OFFERS_CHANNEL } from './OfferTable.ts'

/** Rows read at once: few enough that a request in between waits little. */
const PAGE = 5_000

/** What the feed needs. */
export interface SearchFeedOptions {
  readonly database: Database
  readonly index: SearchIndex
  /** What the chain says of assets; assets without an entry have no standing yet. */
  readonly standingsOf: (assets: readonly string[]) => Promise<ReadonlyMap<string, AssetStanding>>
  /** Pause between two looks at the sequence, in milliseconds: for what no notification told. */
  readonly pollMs: number
  /** Unix seconds. */
  readonly now: () => number
  /** Called for each offer that changed. */
  readonly onChange?: (id: string) => void
  readonly onError: (error: unknown) => void
}

/** Keeps the search index in step with the table, whichever gateway wrote to it. */
export interface SearchFeed {
  /** Whether the table was read to its end once. */
  readonly loaded: () => boolean
  /** Reads what is new; resolves when it is searchable. */
  catchUp(): Promise<void>
  close(): Promise<void>
}

const nothing: AssetStanding = { reliability: null }

/** Starts to feed; the first reading of the table goes on behind it. */
export async function startSearchFeed(options: SearchFeedOptions): Promise<SearchFeed> {
  const { database, index, standingsOf, pollMs, now, onError } = options
  let since = 0n
  let loaded = false
  let closed = false
  let running: Promise<void> | undefined
  let again = false

  async function read(): Promise<void> {
    do {
      again = false
      for (let full = true; full && !closed; ) {
        const rows = await facetsSince(database, since, PAGE)
        const live = rows.filter((row) => row.state === 'live' && Number(row.expiry) >= now())
        const standings = await standingsOf([...new Set(live.map(({ asset }) => asset))])
        for (const row of rows) apply(row, standings.get(row.asset) ?? nothing)
        since = rows.at(-1)?.seq ?? since
        full = rows.length === PAGE
      }
    } while (again && !closed)
    loaded = true
    // In the same turn as the last look at `again`: a call after this one starts anew.
    running = undefined
  }

  function apply(row: FacetedOffer, standing: AssetStanding): void {
    options.onChange?.(row.id)
    if (row.state === 'live' && Number(row.expiry) >= now()) index.put(indexedOffer(row, standing))
    else index.remove(row.id as Hash)
  }

  function catchUp(): Promise<void> {
    again = true
    running ??= read().catch((error: unknown) => {
      running = undefined
      throw error
    })
    return running
  }

  const quietly = () => {
    catchUp().catch(onError)
  }
  const unlisten = await database.listen(OFFERS_CHANNEL, quietly)
  const timer = setInterval(quietly, pollMs)
  quietly()
  return {
    loaded: () => loaded,
    catchUp,
    async close() {
      closed = true
      clearInterval(timer)
      await unlisten()
      await running?.catch(() => {})
    },
  }
}
