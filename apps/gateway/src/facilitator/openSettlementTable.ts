import { type SettlementEntry, type SettlementJournal, SettlementTakenError } from '@millrace/pay'
import type { Database } from '../database/Database.ts'
import { pruneSettlements } from './pruneSettlements.ts'

/**
 * Keeps settlements in the gateway's database. Several gateways may share it: the row of an authorization belongs to the
 * one that inserts it, until its settlement fails. What is over long since is pruned.
 *
 * @param options `now` in Unix seconds.
 */
export async function openSettlementTable(
  database: Database,
  { now }: { readonly now: () => number },
): Promise<SettlementJournal> {
  await pruneSettlements(database, now())
  // Those that are decided are found when somebody asks.
  const rows = await database.query<{ entries: readonly string[] }>(
    `select entries from settlements where state = 'sent' order by key`,
  )
  return {
    replayed: rows.flatMap(({ entries }) => entries.map((entry) => ({ entry: read(entry) }))),

    async append(entry) {
      const text = JSON.stringify(entry)
      if (entry.type !== 'sent') {
        const state = entry.type === 'raised' ? 'sent' : entry.type
        await database.query(
          'update settlements set state = $2, entries = array_append(entries, $3::text) where key = $1',
          [entry.key, state, text],
        )
        return
      }
      const taken = await database.query(
        `insert into settlements (key, state, entries) values ($1, 'sent', array[$2::text])
         on conflict (key) do update set state = 'sent', entries = excluded.entries where settlements.state = 'failed'
         returning key`,
        [entry.key, text],
      )
      if (taken.length === 0) throw new SettlementTakenError({ key: entry.key })
    },

    async find(key) {
      const [row] = await database.query<{ entries: readonly string[] }>(
        'select entries from settlements where key = $1',
        [key],
      )
      return (row?.entries ?? []).map(read)
    },
  }
}

/** Written by `append` alone. */
const read = (text: string) => JSON.parse(text) as SettlementEntry
