import type { Deployment } from '@millrace/sdk'
import type { Hash } from 'viem'
import type { Database } from '../database/Database.ts'
import type { AssetStanding, SearchIndex, SearchPlace, SearchRequest } from '../search/SearchIndex.ts'
import type { ChainReader } from './ChainReader.ts'
import { DocumentCache } from './DocumentCache.ts'
import { OfferUnknown } from './errors.ts'
import { changesSince, newestSeq, type OfferState, readOffers, type StoredOffer } from './OfferTable.ts'
import { type Publication, publishOffers } from './publishOffers.ts'
import type { SearchFeed } from './SearchFeed.ts'
import { type WithdrawRequest, withdrawOffer } from './withdrawOffer.ts'

/** What the book is made of. */
export interface OfferBookOptions {
  readonly database: Database
  readonly deployment: Deployment
  readonly chain: ChainReader
  readonly index: SearchIndex
  readonly feed: SearchFeed
  readonly standingsOf: (assets: readonly string[]) => Promise<ReadonlyMap<string, AssetStanding>>
  /** Unix seconds. */
  readonly now: () => number
}

/** An offer with what is known of it. `document` is the published offer in JSON. */
export interface Listing extends AssetStanding {
  readonly id: Hash
  readonly state: OfferState | 'expired'
  readonly document: string
}

/** One step of the book, as peers read it. */
export interface OfferChange {
  readonly seq: bigint
  readonly id: Hash
  readonly state: OfferState
  readonly document: string
  readonly withdrawal: string | null
}

/** A page of listings. */
export interface ListingPage {
  readonly offers: readonly Listing[]
  readonly next: SearchPlace | undefined
}

/** All that can be done with offers. */
export interface OfferBook {
  /** Lists what passes; see `publishOffers`. */
  publish(inputs: readonly unknown[]): Promise<Publication>
  /** Hides an offer; see `withdrawOffer`. */
  withdraw(request: WithdrawRequest): Promise<Listing>
  /** Finds live offers; see `SearchIndex.search`. */
  search(request: Omit<SearchRequest, 'now'>): Promise<ListingPage>
  /** One offer in any state. @throws OfferUnknown */
  get(id: Hash): Promise<Listing>
  /** What changed after `since`, for peers. */
  changes(since: bigint, limit: number): Promise<{ changes: readonly OfferChange[]; next: bigint }>
}

const CACHE_CHARACTERS = 32 * 1024 * 1024
const nothing: AssetStanding = { reliability: null, verified: false }

/** Opens the book of offers on its table and search index. */
export function openOfferBook(options: OfferBookOptions): OfferBook {
  const { database, deployment, chain, index, feed, standingsOf, now } = options
  const cache = new DocumentCache(CACHE_CHARACTERS)
  const decimals = new Map(
    deployment.currencies.map(({ address, decimals }) => [address.toLowerCase(), decimals]),
  )

  async function documentsOf(ids: readonly Hash[]): Promise<ReadonlyMap<string, string>> {
    const found = new Map<string, string>()
    const missing: Hash[] = []
    for (const id of ids) {
      const document = cache.get(id)
      if (document === undefined) missing.push(id)
      else found.set(id, document)
    }
    for (const { id, document } of missing.length === 0 ? [] : await readOffers(database, missing)) {
      found.set(id, document)
      cache.set(id, document)
    }
    return found
  }

  async function listingOf(row: StoredOffer): Promise<Listing> {
    const standing = (await standingsOf([row.asset])).get(row.asset) ?? nothing
    const expired = row.state === 'live' && Number(row.expiry) < now()
    return { id: row.id, state: expired ? 'expired' : row.state, document: row.document, ...standing }
  }

  async function get(id: Hash): Promise<Listing> {
    const [row] = await readOffers(database, [id])
    if (row === undefined) throw new OfferUnknown(id)
    return listingOf(row)
  }

  return {
    async publish(inputs) {
      const publication = await publishOffers(inputs, {
        chainId: deployment.chainId,
        market: deployment.market,
        decimals,
        database,
        chain,
        now: now(),
      })
      // Whoever published finds it at once.
      if (publication.accepted.length > 0) await feed.catchUp()
      return publication
    },
    async withdraw(request) {
      await withdrawOffer(request, { database, chain, now: now() })
      await feed.catchUp()
      return get(request.id)
    },
    async search(request) {
      const { rows, next } = index.search({ ...request, now: now() })
      const documents = await documentsOf(rows.map(({ id }) => id))
      const offers = rows.flatMap(({ id, reliability, verified }): Listing[] => {
        const document = documents.get(id)
        return document === undefined ? [] : [{ id, state: 'live', document, reliability, verified }]
      })
      return { offers, next }
    },
    get,
    async changes(since, limit) {
      const newest = await newestSeq(database)
      const changes = await changesSince(database, since, limit)
      // Read in this order: all up to `newest` is in `changes` or expired. A reader ahead of it knows another database; it is told.
      return { changes, next: changes.at(-1)?.seq ?? newest }
    },
  }
}
