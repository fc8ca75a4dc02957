import { drizzle, type PgRemoteDatabase } from 'drizzle-orm/pg-proxy'
import type { Parameter } from './Database.ts'

/** Runs a statement and answers rows as arrays (`values`) or objects. */
export type RawQuery = (text: string, parameters: readonly Parameter[], values: boolean) => Promise<unknown[]>

/** Drizzle over one statement function, so that both engines and their transactions share one type. */
export function ormOn(query: RawQuery): PgRemoteDatabase {
  return drizzle(async (text, parameters, method) => ({
    rows: await query(text, parameters, method === 'all'),
  }))
}
