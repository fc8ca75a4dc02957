import type { Session } from '../database/Database.ts'

/** An offer as the chain is asked about it. Addresses and ids in lower case. */
export interface OfferKey {
  readonly id: string
  readonly asset: bigint
  readonly operator: string
  readonly nonce: bigint
}

/** What the index says of an offer. */
export interface OfferFacts {
  /** Operator and currency of the asset, lower case; `null` if the asset is not in the index. */
  readonly asset: { readonly operator: string; readonly currency: string } | null
  readonly cancelled: boolean
  readonly opened: boolean
}

/** A nonce's upper 64 bits are its series: the operator's current one, or the offer is void. This is 2^192. */
const SERIES_SIZE = 2n ** 192n

/** What the index of the chain says of offers, in the order given. */
export async function readFacts(session: Session, offers: readonly OfferKey[]): Promise<OfferFacts[]> {
  const rows = await session.query<{
    place: bigint
    operator: string | null
    currency: string | null
    cancelled: boolean
    opened: boolean
  }>(
    `select o.place, a.operator, a.currency,
       c.nonce is not null or div(o.nonce, ${SERIES_SIZE}) <> coalesce(s.series, 0) as cancelled,
       l.lease is not null as opened
     from unnest($1::text[], $2::numeric[], $3::text[], $4::numeric[])
       with ordinality as o(id, asset, operator, nonce, place)
     left join chain.assets a on a.asset = o.asset
     left join chain.cancellations c on c.operator = o.operator and c.nonce = o.nonce
     left join chain.series s on s.operator = o.operator
     left join chain.leases l on l.lease = o.id
     order by o.place`,
    [
      offers.map(({ id }) => id),
      // What is beyond the index's range of ids is not registered there: counted from 1, ids never get there.
      offers.map(({ asset }) => (asset < 2n ** 62n ? asset : 0n)),
      offers.map(({ operator }) => operator),
      offers.map(({ nonce }) => nonce),
    ],
  )
  return rows.map(({ operator, currency, cancelled, opened }) => ({
    asset: operator === null || currency === null ? null : { operator, currency },
    cancelled,
    opened,
  }))
}
