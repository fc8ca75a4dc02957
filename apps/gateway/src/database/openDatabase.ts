import type { Database } from './Database.ts'
import { migrate } from './migrate.ts'
import { openPglite } from './openPglite.ts'
import { openPostgres } from './openPostgres.ts'

/** Where the tables are: a Postgres server, a folder for the embedded engine, or memory. */
export type DatabaseOptions =
  | { readonly url: string; readonly connections?: number }
  | { readonly dataDir: string }
  | { readonly memory: true }

/**
 * Opens the database and brings its tables up to date.
 * @throws DataDirInUse when another process holds the folder
 * @throws MigrationChanged, MigrationUnknown when the tables are not of this version's making
 * @example const database = await openDatabase({ memory: true })
 */
export async function openDatabase(options: DatabaseOptions): Promise<Database> {
  const database =
    'url' in options
      ? await openPostgres(options.url, options.connections ?? 8)
      : await openPglite('dataDir' in options ? options.dataDir : undefined)
  try {
    await migrate(database)
    return database
  } catch (error) {
    await database.close()
    throw error
  }
}
