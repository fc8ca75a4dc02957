import { mkdir } from 'node:fs/promises'
import { PGlite, type Transaction, types } from '@electric-sql/pglite'
import { createPgliteFolder } from './createPgliteFolder.ts'
import type { Database, Parameter, Session } from './Database.ts'
import { guardDisk } from './guardDisk.ts'
import { lockDataDir } from './lockDataDir.ts'
import { ormOn } from './ormOn.ts'

/** The engine's defaults are a server's for a hundred connections; here is one, in a process that has other uses for memory. */
const settings = [
  'shared_buffers = 16MB',
  'max_connections = 10',
  'wal_buffers = 1MB',
  'maintenance_work_mem = 16MB',
  'min_wal_size = 32MB',
  'max_wal_size = 64MB',
]

/** Two files of the write-ahead log, and room for tables to grow meanwhile. */
const LEAST_FREE_BYTES = 64 * 1024 * 1024

/**
 * Opens the embedded engine on a folder, or in memory without one.
 * @throws DataDirInUse when another process holds the folder
 */
export async function openPglite(dataDir: string | undefined): Promise<Database> {
  if (dataDir !== undefined) await mkdir(dataDir, { recursive: true })
  const unlock = dataDir === undefined ? async () => {} : await lockDataDir(dataDir)
  try {
    if (dataDir !== undefined) await createPgliteFolder(dataDir)
    const pg = await PGlite.create({
      postgresqlconf: settings,
      ...(dataDir === undefined ? {} : { dataDir }),
      parsers: { [types.INT8]: BigInt },
    })
    const mayWrite = dataDir === undefined ? async () => {} : guardDisk(dataDir, LEAST_FREE_BYTES)
    return databaseOn(pg, { unlock, mayWrite })
  } catch (error) {
    await unlock()
    throw error
  }
}

function databaseOn(
  pg: PGlite,
  options: { readonly unlock: () => Promise<void>; readonly mayWrite: () => Promise<void> },
): Database {
  const { unlock, mayWrite } = options
  let closing: Promise<void> | undefined
  return {
    engine: 'pglite',
    ...sessionOn(pg),
    async transaction(work) {
      await mayWrite()
      return pg.transaction((transaction) => work(sessionOn(transaction)))
    },
    async listen(channel, heard) {
      const stop = await pg.listen(channel, heard)
      return () => stop()
    },
    close() {
      closing ??= pg.close().finally(unlock)
      return closing
    },
  }
}

function sessionOn(runner: PGlite | Transaction): Session {
  return {
    async query<Row extends object>(text: string, parameters: readonly Parameter[] = []) {
      return (await runner.query<Row>(text, [...parameters])).rows
    },
    async exec(text) {
      await runner.exec(text)
    },
    orm: ormOn(async (text, parameters, values) => {
      const result = await runner.query(text, [...parameters], { rowMode: values ? 'array' : 'object' })
      return result.rows
    }),
  }
}
