import type { Session } from '../../src/database/Database.ts'

const tables = {
  assets: 'asset',
  leases: 'lease',
  tills: 'asset',
  accounts: 'account, currency',
  currencies: 'currency',
  payments: 'seq',
  moves: 'seq, part',
  cancellations: 'operator, nonce',
  channels: 'channel',
  series: 'operator',
} as const

/** Every table that the chain alone decides, as text, in a fixed order: equal dumps are equal indexes. */
export async function dumpIndex(session: Session): Promise<Record<string, string[]>> {
  const dump: Record<string, string[]> = {}
  for (const [table, order] of Object.entries(tables)) {
    const rows = await session.query<{ row: string }>(
      `select row_to_json(t)::text as row from chain.${table} t order by ${order}`,
    )
    dump[table] = rows.map(({ row }) => row)
  }
  const [head] = await session.query<{ row: string }>(
    'select row_to_json(h)::text as row from (select block, hash, time from chain.head) h',
  )
  dump.head = [head?.row ?? '']
  return dump
}
