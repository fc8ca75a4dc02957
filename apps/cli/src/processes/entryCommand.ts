import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

/**
 * The command line that runs a file of one of our apps as a process: the built file where the app resolves to its
 * build, else the TypeScript source.
 *
 * @param app Package name, `@millrace/gateway`.
 * @param file Path within the app's sources without extension, `main`.
 */
export function entryCommand(app: string, file: string): { command: string; args: string[] } {
  const index = fileURLToPath(import.meta.resolve(app))
  const isSource = index.endsWith('.ts')
  const entry = join(dirname(index), `${file}${isSource ? '.ts' : '.js'}`)
  if (!isSource) return { command: process.execPath, args: ['--enable-source-maps', entry] }
  const tsx = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href
  return { command: process.execPath, args: ['--conditions=source', '--import', tsx, entry] }
}
