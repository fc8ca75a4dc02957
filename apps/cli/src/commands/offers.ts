import { publishedOfferToJson } from '@millrace/sdk'
import { connect } from '../connection/connect.ts'
import { UsageError } from '../errors/input.ts'
import { findOffers } from '../offers/findOffers.ts'
import { offerColumns } from '../offers/offerColumns.ts'
import { createOutput } from '../output/output.ts'
import { formatTable } from '../output/printTable.ts'
import type { GlobalFlags } from './flags.ts'

export interface OffersFlags extends GlobalFlags {
  readonly order: string
  readonly limit: number
}

export async function runOffers(query: string, flags: OffersFlags): Promise<void> {
  const output = createOutput(flags.json === true)
  const { order, limit } = flags
  if (!Number.isInteger(limit) || limit < 1)
    throw new UsageError({ message: `--limit is '${limit}'.`, remedy: 'Give a whole number above 0.' })
  const connection = await connect(flags)
  const { offers, refused, silent } = await findOffers(connection, { query, order, limit })
  for (const { gateway, reason } of silent) output.note(`gateway ${gateway} does not answer: ${reason}`)
  if (refused.length > 0)
    output.note(`${refused.length} listed offer(s) do not hold and are left out: ${refused[0]?.reason}`)
  const json = offers.map(({ listing, row, currency }) => ({
    ...row,
    currency: currency.symbol,
    reliability: listing.reliability,
    challenge: listing.challenge,
    published: publishedOfferToJson(listing.published),
  }))
  const text =
    offers.length === 0
      ? `No live offer${query === '' ? '' : ` fits '${query}'`}. A new machine offers itself within seconds of its start.`
      : formatTable(offerColumns(Math.floor(Date.now() / 1000)), offers)
  output.result({ offers: json, refused, silent }, text)
}
