import {
  type Currency,
  gatewayClient,
  type Listing,
  matches,
  type OfferRow,
  offerRow,
  parseOrder,
  parseQuery,
  type QueryOrder,
  verifyOffer,
} from '@millrace/sdk'
import { type Address, isAddressEqual, zeroAddress } from 'viem'
import type { Connection } from '../connection/connect.ts'
import { NoGatewayError } from '../connection/errors.ts'

/** An offer that was found and checked. */
export interface FoundOffer {
  readonly listing: Listing
  readonly row: OfferRow
  readonly currency: Currency
}

export interface FindOffersOptions {
  /** In the query language. */
  readonly query: string
  /** Such as `price,num_gpus-`. */
  readonly order: string
  readonly limit: number
  /** To see offers made for this account only; without it offers for anyone. */
  readonly buyer?: Address
}

export interface FoundOffers {
  readonly offers: readonly FoundOffer[]
  /** Offers that a gateway listed and that do not hold, with the reason. */
  readonly refused: readonly { readonly id: string; readonly gateway: string; readonly reason: string }[]
  /** Gateways that did not answer. */
  readonly silent: readonly { readonly gateway: string; readonly reason: string }[]
}

/**
 * Searches all gateways of the network at once. What they say is checked here: signature, spec, expiry, and that it
 * meets the query; a gateway can hide offers but not forge them.
 *
 * @throws QueryError, NoGatewayError; what the gateway said if none answers.
 */
export async function findOffers(connection: Connection, options: FindOffersOptions): Promise<FoundOffers> {
  const { gateways, deployment, network } = connection
  // Mistakes are found before anyone is asked.
  const query = parseQuery(options.query)
  const order = parseOrder(options.order)
  if (gateways.length === 0) throw new NoGatewayError({ network })
  const { buyer, limit } = options
  const answers = await Promise.allSettled(
    gateways.map((url) =>
      gatewayClient(url, { retries: 1 }).searchOffers({
        query: options.query,
        order: options.order,
        limit,
        ...(buyer === undefined ? {} : { buyer }),
      }),
    ),
  )
  const now = Math.floor(Date.now() / 1000)
  const found = new Map<string, FoundOffer>()
  const refused: FoundOffers['refused'][number][] = []
  const silent: FoundOffers['silent'][number][] = []
  for (const [index, answer] of answers.entries()) {
    const gateway = gateways[index] ?? ''
    if (answer.status === 'rejected') {
      silent.push({ gateway, reason: reasonOf(answer.reason) })
      continue
    }
    for (const listing of answer.value.offers) {
      try {
        const { published } = listing
        // Contracts sign too; signatures and currency are checked on chain before a job is planned.
        const id = await verifyOffer(published, { ...deployment, now, signature: 'skip' })
        const currency = await connection.currencyOf(published.currency)
        const { reliability, verified } = listing
        const row = offerRow(published, { id, decimals: currency.decimals, reliability, verified })
        const isForUs =
          published.offer.buyer === zeroAddress ||
          (buyer !== undefined && isAddressEqual(published.offer.buyer, buyer))
        if (!isForUs || !matches(query, row)) continue
        // What is not part of the id may differ from gateway to gateway: a false one must not hide the true one.
        const key = `${id} ${published.operator} ${published.currency} ${published.signature}`
        if (found.has(key)) continue
        found.set(key, { listing: { ...listing, id }, row, currency })
      } catch (error) {
        refused.push({ id: listing.id, gateway, reason: reasonOf(error) })
      }
    }
  }
  const [first] = answers
  if (silent.length === gateways.length && first?.status === 'rejected') throw first.reason
  const offers = [...found.values()].sort((a, b) => compareOffers(a, b, order)).slice(0, limit)
  return { offers, refused, silent }
}

const reasonOf = (error: unknown) => (error instanceof Error ? error.message : String(error))

/** Orders two offers; what is not known comes last, and equal ones stay in the order of their ids. */
function compareOffers(a: FoundOffer, b: FoundOffer, order: readonly QueryOrder[]): number {
  for (const { field, direction } of order) {
    const [left, right] = [a.row[field], b.row[field]]
    if (left === right) continue
    if (left === null) return 1
    if (right === null) return -1
    return left < right === (direction === 'ascending') ? -1 : 1
  }
  return a.listing.id < b.listing.id ? -1 : 1
}
