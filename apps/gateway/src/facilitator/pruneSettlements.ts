import type { Database } from '../database/Database.ts'

/** How long a decided settlement is answered for after its authorization ended, in seconds. */
export const prunedAfter = 86_400

/**
 * Deletes settlements that are decided and whose authorization ended a day ago. None of them can be settled again: the
 * authorization is refused as over, here and by its token, which remembers a nonce that was spent besides. What a receiver ordered on
 * channels of `batch-settlement` has no end, and changes nothing when it is done again.
 *
 * @param now Unix seconds.
 * @returns How many were deleted.
 */
export async function pruneSettlements(database: Database, now: number): Promise<number> {
  const pruned = await database.query(
    `delete from settlements
     where state in ('settled', 'failed')
       and coalesce(
         (entries[1])::jsonb #>> '{payload,authorization,validBefore}',
         (entries[1])::jsonb #>> '{payload,permit2Authorization,deadline}',
         (entries[1])::jsonb #>> '{payload,deposit,authorization,erc3009Authorization,validBefore}',
         case when (entries[1])::jsonb #>> '{payload,type}' in ('claim', 'settle', 'refund') then '0' end
       )::numeric + $1::numeric <= $2::numeric
     returning key`,
    [prunedAfter, now],
  )
  return pruned.length
}
