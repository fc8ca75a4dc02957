import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'

const program = `
const { PGlite } = await import(process.argv[1])
const pg = await PGlite.create({ dataDir: process.argv[2] })
await pg.close()
`

/**
 * Makes the embedded engine's files in a folder that has none, in a process of its own: making them takes some 800 MB,
 * which a process that lives on would keep.
 */
export async function createPgliteFolder(dataDir: string): Promise<void> {
  if (existsSync(join(dataDir, 'PG_VERSION'))) return
  const engine = import.meta.resolve('@electric-sql/pglite')
  await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', program, engine, dataDir])
}
