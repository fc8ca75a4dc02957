import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** One migration: its file name and its statements. */
export interface Migration {
  readonly name: string
  readonly text: string
}

/** The package's migrations in order of their numbers; the same folder from sources and from a build. */
export async function readMigrations(): Promise<Migration[]> {
  const folder = join(packageRoot(), 'migrations')
  const names = (await readdir(folder)).filter((name) => /^\d{4}_.*\.sql$/.test(name)).sort()
  return Promise.all(names.map(async (name) => ({ name, text: await readFile(join(folder, name), 'utf8') })))
}

/** Walks up to the folder that has `migrations`: `src/database` and `dist` lie at different depths. */
function packageRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url))
  while (!existsSync(join(folder, 'migrations')) && folder !== dirname(folder)) folder = dirname(folder)
  return folder
}
