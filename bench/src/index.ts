// The chain index beside Ponder: the same synthetic chain, served from memory by another process, is indexed by both into PGlite on disk.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, loadavg, tmpdir, totalmem } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { build } from 'esbuild'
import { type Run, runPonder } from './_index/runPonder.ts'

const EVENTS = Number(process.env.MILLRACE_BENCH_EVENTS ?? 20_000)
const LONG_EVENTS = EVENTS * 5
const ROUNDS = 3
const root = join(import.meta.dirname, '..', '..')
/** Inside the gateway's folder, where it finds its migrations. */
const program = join(root, 'apps', 'gateway', '.cache', 'bench', 'index.mjs')

interface Served {
  readonly url: string
  readonly head: number
  readonly events: number
}

async function serve(events: number): Promise<Served & { readonly child: ChildProcess }> {
  const script = join(import.meta.dirname, '_index', 'serve.ts')
  const child = spawn(process.execPath, ['--conditions=source', '--import', 'tsx', script, String(events)], {
    cwd: root,
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  for await (const line of createInterface(child.stdout)) return { ...(JSON.parse(line) as Served), child }
  throw new RangeError('the chain was not served')
}

function runMillrace({ url, head }: Served): Run {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-index-'))
  try {
    const output = execFileSync(process.execPath, [program, url, String(head), join(folder, 'db')], {
      encoding: 'utf8',
    })
    return JSON.parse(output) as Run
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function median(runs: readonly Run[]): Run {
  const sorted = [...runs].sort((a, b) => a.seconds - b.seconds)
  return sorted[sorted.length >> 1] ?? { events: 0, seconds: 0, cpuSeconds: 0, peakMiB: 0 }
}

function row({ events, seconds, cpuSeconds, peakMiB }: Run) {
  return {
    events,
    seconds: round(seconds),
    eventsPerSecond: Math.round(events / seconds),
    cpuSeconds: round(cpuSeconds),
    eventsPerCpuSecond: Math.round(events / cpuSeconds),
    peakMiB,
  }
}

function round(value: number): number {
  return Math.round(value * 100) / 100
}

await build({
  entryPoints: [join(import.meta.dirname, '_index', 'millrace.ts')],
  outfile: program,
  bundle: true,
  platform: 'node',
  format: 'esm',
  conditions: ['source'],
  external: ['@electric-sql/pglite', 'pg', 'drizzle-orm'],
  logLevel: 'error',
})

const loadBefore = round(loadavg()[0] ?? 0)
const served = await serve(EVENTS)
const runs = Array.from({ length: ROUNDS }, () => runMillrace(served))
const ponder = await runPonder(served.url, served.events)
served.child.kill()
const long = await serve(LONG_EVENTS)
const longRun = runMillrace(long)
long.child.kill()

const result = {
  what: 'backfill of all contract events of a synthetic chain into PGlite on disk',
  machine: `${cpus()[0]?.model ?? 'unknown'}, ${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}`,
  /** Over one minute, before and after: more than the runs' own means that others used the machine. */
  load: { before: loadBefore, after: round(loadavg()[0] ?? 0) },
  millrace: { ...row(median(runs)), peakMiB: Math.max(...runs.map(({ peakMiB }) => peakMiB)) },
  millraceLong: row(longRun),
  ponder: typeof ponder === 'string' ? { unavailable: ponder } : { version: '0.16.6', ...row(ponder) },
}
console.table({
  'millrace (median of 3, highest peak)': result.millrace,
  'millrace, five times the chain': result.millraceLong,
  'ponder 0.16.6': result.ponder,
})
mkdirSync(join(root, 'bench', 'results'), { recursive: true })
writeFileSync(join(root, 'bench', 'results', 'index.json'), `${JSON.stringify(result, null, 2)}\n`)
