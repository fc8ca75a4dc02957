import { type SettlementEntry, type SettlementJournal, SettlementTakenError } from '@millrace/pay'
import type { Database } from '../database/Database.ts'

/** Seconds after an authorization's end for which its settlement is read back at opening. */
const rememberedFor = 86_400

/**
 * Keeps settlements in the gateway's database. Several gateways may share it: the row of an authorization belongs to the
 * one that inserts it, until its settlement fails.
 */
export async function openSettlementTable(
  database: Database,
  options: { readonly now: () => number },
): Promise<SettlementJournal> {
  const rows = await database.query<{ entries: readonly string[] }>(
    `select entries from settlements where state = 'sent' or (state = 'settled' and valid_before > $1)
     order by valid_before, key`,
    [options.now() - rememberedFor],
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
        `insert into settlements (key, state, entries, valid_before) values ($1, 'sent', array[$2::text], $3::numeric)
         on conflict (key) do update set state = 'sent', entries = excluded.entries where settlements.state = 'failed'
         returning key`,
        [entry.key, text, String(entry.payload.authorization.validBefore)],
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
