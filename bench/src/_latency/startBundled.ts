import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { basename } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

/**
 * Starts a server as its operators run it: one file, without what reads TypeScript, in a process of its own.
 *
 * @param entry Prints its port, and reads `told` as JSON from its first argument.
 */
export async function startBundled(entry: string, told: Readonly<Record<string, unknown>>) {
  const name = `${basename(entry, '.ts')}.mjs`
  // It lies where packages with native bindings are found.
  const bundled = fileURLToPath(new URL(`../../../node_modules/.cache/millrace/${name}`, import.meta.url))
  await build({
    entryPoints: [entry],
    ...{ outfile: bundled, bundle: true, format: 'esm', platform: 'node', target: 'node20' },
    ...{ conditions: ['source'], external: ['secp256k1/*', 'undici'], logLevel: 'warning' },
  })
  const child = spawn(process.execPath, [bundled, JSON.stringify(told)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [line] = (await once(child.stdout, 'data')) as [Buffer]
  return {
    port: Number(line.toString()),
    async stop() {
      child.kill()
      await once(child, 'exit')
    },
  }
}
