import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import type { HostOrder } from './runnerHost.ts'

/** Build the stand-in for the node into one file that any user of the host may read. */
export async function buildHost(folder: string): Promise<string> {
  const file = join(folder, 'host.mjs')
  await build({
    entryPoints: [fileURLToPath(new URL('./runnerHost.ts', import.meta.url))],
    outfile: file,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    conditions: ['source'],
    banner: {
      js: `import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);`,
    },
  })
  return file
}

/** Start it with an order; `uid` makes it an ordinary user, `inherited` a descriptor it is given without asking. */
export function startHost(
  file: string,
  order: HostOrder,
  options: { readonly uid?: number; readonly inherited?: number } = {},
): ChildProcess {
  const { uid, inherited } = options
  return spawn(process.execPath, [file, JSON.stringify(order)], {
    ...(uid === undefined ? {} : { uid, gid: uid }),
    cwd: '/',
    env: { PATH: process.env.PATH, HOME: '/', NODE_SECRET: 'kept-by-the-node' },
    stdio: ['ignore', 'pipe', 'inherit', ...(inherited === undefined ? [] : [inherited])],
  })
}

/** The one line of JSON that it answers; rejects if it ends without one. */
export async function answerOf<T>(child: ChildProcess): Promise<T> {
  let text = ''
  child.stdout?.on('data', (bytes: Buffer) => {
    text += bytes.toString()
  })
  await new Promise<void>((resolve) => {
    child.stdout?.on('data', () => text.includes('\n') && resolve())
    child.once('close', () => resolve())
  })
  const [line = ''] = text.split('\n')
  if (line === '') throw new RangeError('The host process ended without an answer')
  return JSON.parse(line) as T
}
