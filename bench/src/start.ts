import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

// Cold and warm start of the whole local network, as `millrace up` is typed: from the command to the moment at which there is
// something to hire. Cold: an empty home folder, so the chain, the contracts, the database and the node's keys and asset are
// made as well. Warm: the same home after `millrace down`. Each run has a home folder of its own; files are in the page cache.

const root = fileURLToPath(new URL('../..', import.meta.url))
const entry = join(root, 'apps', 'cli', 'bin', 'millrace.mjs')
const runs = Number(process.argv[2] ?? 3)

/** Runs the command to its end and returns the milliseconds it took. */
function timed(home: string, ...args: readonly string[]): Promise<number> {
  const since = performance.now()
  return new Promise((done, fail) => {
    const child = spawn(process.execPath, [entry, ...args], {
      env: { ...process.env, MILLRACE_HOME: home },
      stdio: ['ignore', 'ignore', 'inherit'],
    })
    child.once('error', fail)
    child.once('close', (code) =>
      code === 0
        ? done(performance.now() - since)
        : fail(new TypeError(`millrace ${args.join(' ')}: exit code ${code}`)),
    )
  })
}

const up = ['up', '--detach', '--chain-port', '0', '--gateway-port', '0'] as const
const cold: number[] = []
const warm: number[] = []
const help: number[] = []
for (let run = 0; run < runs; run++) {
  const home = mkdtempSync(join(tmpdir(), 'millrace-bench-start-'))
  try {
    cold.push(await timed(home, ...up))
    await timed(home, 'down')
    warm.push(await timed(home, ...up))
    help.push(await timed(home, '--help'))
  } finally {
    await timed(home, 'down')
    rmSync(home, { recursive: true, force: true })
  }
}

const spread = (values: readonly number[]) => {
  const sorted = values.toSorted((a, b) => a - b)
  return {
    medianMs: Math.round(sorted[Math.floor(sorted.length / 2)] ?? 0),
    minMs: Math.round(sorted[0] ?? 0),
    maxMs: Math.round(sorted.at(-1) ?? 0),
  }
}
const result = {
  machine: `${cpus()[0]?.model ?? 'unknown'}, ${cpus().length} cores, Node ${process.versions.node}`,
  at: new Date().toISOString().slice(0, 10),
  runs,
  goalColdMs: 10_000,
  cold: spread(cold),
  warm: spread(warm),
  help: spread(help),
}
writeFileSync(join(root, 'bench', 'results', 'start.json'), `${JSON.stringify(result, null, 2)}\n`)
console.table({ 'cold start': result.cold, 'warm start': result.warm, 'millrace --help': result.help })
