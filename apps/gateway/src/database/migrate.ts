import { createHash } from 'node:crypto'
import type { Database } from './Database.ts'
import { MigrationChanged, MigrationUnknown } from './errors.ts'
import { readMigrations } from './readMigrations.ts'

/** Any number; every gateway that migrates this database takes the same lock. */
const LOCK = 7_201_301

/**
 * Applies the numbered files of `migrations/` that this database has not seen, all in one transaction.
 * @throws MigrationChanged, MigrationUnknown
 */
export async function migrate(database: Database): Promise<void> {
  const files = await readMigrations()
  await database.transaction(async (session) => {
    await session.query('select pg_advisory_xact_lock($1)', [LOCK])
    await session.exec(
      'create table if not exists migrations (name text primary key, hash text not null, applied_at timestamptz not null default now())',
    )
    const rows = await session.query<{ name: string; hash: string }>('select name, hash from migrations')
    const applied = new Map(rows.map((row) => [row.name, row.hash]))
    for (const { name, text } of files) {
      const hash = createHash('sha256').update(text).digest('hex')
      const seen = applied.get(name)
      applied.delete(name)
      if (seen === hash) continue
      if (seen !== undefined) throw new MigrationChanged(name)
      await session.exec(text)
      await session.query('insert into migrations (name, hash) values ($1, $2)', [name, hash])
    }
    for (const name of applied.keys()) throw new MigrationUnknown(name)
  })
}
