import type { DiscoveredResource, PaymentRequirements, ResourceCatalogue } from '@millrace/pay'
import type { Database } from '../database/Database.ts'

interface Row {
  readonly resource: string
  readonly accepts: string
  readonly metadata: string
  readonly paid_at: bigint
}

/** Most bytes of one entry. */
const maxBytes = 8_192

/** Lists what was paid for through this gateway, from its database. */
export function resourceTable(
  database: Database,
  options: { readonly now: () => number },
): ResourceCatalogue {
  return {
    async note({ url, ...metadata }, paid) {
      const accepts = JSON.stringify([paid])
      const about = JSON.stringify(metadata)
      if (accepts.length + about.length > maxBytes || !isWeb(url)) return
      await database.query(
        `insert into paid_resources (resource, pay_to, accepts, metadata, paid_at) values ($1, $2, $3, $4, $5)
         on conflict (resource, pay_to) do update
         set accepts = excluded.accepts, metadata = excluded.metadata, paid_at = excluded.paid_at`,
        [url, paid.payTo.toLowerCase(), accepts, about, BigInt(options.now()) * 1000n],
      )
    },

    async list({ limit, offset }) {
      const [[count], rows] = await Promise.all([
        database.query<{ total: bigint }>('select count(*) as total from paid_resources'),
        database.query<Row>(
          `select resource, accepts, metadata, paid_at from paid_resources
           order by paid_at desc, resource, pay_to limit $1 offset $2`,
          [limit, offset],
        ),
      ])
      return { items: rows.map(resourceOf), total: Number(count?.total ?? 0n) }
    },
  }
}

const isWeb = (url: string) => URL.canParse(url) && /^https?:$/.test(new URL(url).protocol)

function resourceOf({ resource, accepts, metadata, paid_at }: Row): DiscoveredResource {
  return {
    resource,
    type: 'http',
    x402Version: 2,
    // Written by `note` alone.
    accepts: JSON.parse(accepts) as PaymentRequirements[],
    lastUpdated: new Date(Number(paid_at)).toISOString(),
    metadata: JSON.parse(metadata) as Record<string, unknown>,
  }
}
