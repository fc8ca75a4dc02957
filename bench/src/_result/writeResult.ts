import { mkdirSync, writeFileSync } from 'node:fs'
import { cpus, loadavg, release } from 'node:os'

/** When this was loaded: before anything is measured. */
const loadAtStart = Math.round((loadavg()[0] ?? 0) * 100) / 100

/** Writes what a benchmark measured, and on what machine, to `bench/results/<name>.json`, and prints it. */
export function writeResult(
  name: string,
  { what, ...measured }: { readonly what: string; readonly [part: string]: unknown },
): void {
  const machine = { cpu: cpus()[0]?.model, cores: cpus().length, kernel: release(), loadAtStart }
  const text = `${JSON.stringify({ what, machine, node: process.version, ...measured }, null, 2)}\n`
  mkdirSync('bench/results', { recursive: true })
  writeFileSync(`bench/results/${name}.json`, text)
  process.stdout.write(text)
}
