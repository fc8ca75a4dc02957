import type { Deployment } from '@millrace/sdk'
import type { Hash } from 'viem'
import type { Database } from '../database/Database.ts'
import type { AssetStanding, SearchIndex, SearchPlace, SearchRequest } from '../search/SearchIndex.ts'
import type { ChainReader } from './ChainReader.ts'
import type { DocumentCache, OfferTexts } from './DocumentCache.ts'
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
  readonly cache: DocumentCache
  readonly standingsOf: (assets: readonly string[]) => Promise<ReadonlyMap<string, AssetStanding>>
  /** Unix seconds. */
  readonly now: () => number
}

/** An offer with what is known of it. `document` is the published offer in JSON. */
export interface Listing extends AssetStanding {
  readonly id: Hash
  readonly state: OfferState | 'expired'
  readonly document: string
  readonly verified: boolean
  /** What this gateway's own challenge of the machine found, as JSON; null where there was none. */
  readonly challenge: string | null
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

const nothing: AssetStanding = { reliability: null }

/** Opens the book of offers on its table and search index. */
export function openOfferBook(options: OfferBookOptions): OfferBook {
  const { database, deployment, chain, index, feed, cache, standingsOf, now } = options
  const decimals = new Map(
    deployment.currencies.map(({ address, decimals }) => [address.toLowerCase(), decimals]),
  )

  async function documentsOf(ids: readonly Hash[]): Promise<ReadonlyMap<string, OfferTexts>> {
    const found = new Map<string, OfferTexts>()
    const missing: Hash[] = []
    for (const id of ids) {
      const texts = cache.get(id)
      if (texts === undefined) missing.push(id)
      else found.set(id, texts)
    }
    for (const { id, document, challenge } of missing.length === 0
      ? []
      : await readOffers(database, missing)) {
      found.set(id, { document, challenge })
      cache.set(id, { document, challenge })
    }
    return found
  }

  async function listingOf(row: StoredOffer): Promise<Listing> {
    const standing = (await standingsOf([row.asset])).get(row.asset) ?? nothing
    const expired = row.state === 'live' && Number(row.expiry) < now()
    const { id, document, verified, challenge } = row
    return { id, state: expired ? 'expired' : row.state, document, verified, challenge, ...standing }
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
        const texts = documents.get(id)
        return texts === undefined ? [] : [{ id, state: 'live', ...texts, reliability, verified }]
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
