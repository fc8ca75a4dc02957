import { reliabilityOf } from '../chain/reliabilityOf.ts'
import type { Session } from '../database/Database.ts'
import type { AssetStanding } from '../search/SearchIndex.ts'

/**
 * What the chain says of assets.
 * @param assets Only these; all that ever had a lease if undefined.
 */
export async function readStandings(
  session: Session,
  assets: readonly string[] | undefined,
): Promise<ReadonlyMap<string, AssetStanding>> {
  if (assets?.length === 0) return new Map()
  const rows = await session.query<{ asset: string; started: bigint; lapsed: bigint; broken: bigint }>(
    `select asset::text as asset, started, lapsed, broken from chain.assets
     where ${assets === undefined ? 'started + lapsed > 0' : 'asset = any($1::numeric[])'}`,
    assets === undefined ? [] : [assets],
  )
  return new Map(
    rows.map(({ asset, started, lapsed, broken }) => {
      const counts = { started: Number(started), lapsed: Number(lapsed), broken: Number(broken) }
      return [asset, { reliability: reliabilityOf(counts) }]
    }),
  )
}

/** Assets whose leases, or which themselves, are named. */
export async function assetsOfLeases(session: Session, leases: readonly string[]): Promise<string[]> {
  if (leases.length === 0) return []
  const rows = await session.query<{ asset: string }>(
    'select distinct asset::text as asset from chain.leases where lease = any($1::text[])',
    [leases],
  )
  return rows.map(({ asset }) => asset)
}
