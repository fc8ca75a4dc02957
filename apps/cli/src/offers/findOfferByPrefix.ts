import { gatewayClient, type Listing, verifyOffer } from '@millrace/sdk'
import { type Hash, isHash } from 'viem'
import type { Connection } from '../connection/connect.ts'
import { NoGatewayError } from '../connection/errors.ts'
import { UsageError } from '../errors/input.ts'
import { NoOfferError } from '../jobs/errors.ts'

/** Offers of a page, and most pages that are looked through at a gateway for an offer's first digits. */
const page = 200
const mostPages = 25

/**
 * A live offer by the first digits of its id, checked as offers of a search are.
 *
 * @throws NoOfferError, UsageError where several begin so, NoGatewayError, and why the offer does not hold
 */
export async function findOfferByPrefix(connection: Connection, prefix: string): Promise<Listing> {
  const { gateways, network, deployment } = connection
  const wanted = `0x${prefix.toLowerCase().replace(/^0x/, '')}`
  if (!/^0x[0-9a-f]{4,64}$/.test(wanted))
    throw new UsageError({
      message: `'${prefix}' does not begin an id.`,
      remedy: 'Give at least four hex digits, as `millrace offers` shows them.',
    })
  if (gateways.length === 0) throw new NoGatewayError({ network })
  const found = new Map<Hash, Listing>()
  for (const url of gateways)
    for (const listing of await listingsAt(url, wanted)) found.set(listing.id, listing)
  const [first] = found.values()
  if (first === undefined) throw new NoOfferError({ query: `id=${wanted}` })
  if (found.size > 1)
    throw new UsageError({
      message: `${found.size} offers begin with '${prefix}'.`,
      remedy: 'Give more digits.',
    })
  const now = Math.floor(Date.now() / 1000)
  // Contracts sign too; those are checked on chain before a lease is opened.
  await verifyOffer(first.published, { ...deployment, now, signature: 'skip' })
  return first
}

async function listingsAt(url: string, wanted: string): Promise<readonly Listing[]> {
  const gateway = gatewayClient(url, { retries: 1 })
  if (isHash(wanted)) {
    const whole = await gateway.getOffer(wanted)
    return whole === null ? [] : [whole]
  }
  const found: Listing[] = []
  let cursor: string | null = null
  for (let pages = 0; pages < mostPages; pages++) {
    const answer: { offers: readonly Listing[]; next: string | null } = await gateway.searchOffers({
      limit: page,
      ...(cursor === null ? {} : { cursor }),
    })
    found.push(...answer.offers.filter(({ id }) => id.startsWith(wanted)))
    cursor = answer.next
    if (cursor === null) break
  }
  return found
}
