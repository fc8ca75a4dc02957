// A job in the sandbox beside the same program started bare: how much later its first line comes, and how much slower it computes.
import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, loadavg, release, tmpdir, totalmem } from 'node:os'
import { join } from 'node:path'
import type { RunnerTask } from '../../apps/node/src/runners/runner.ts'
import { createSandboxRunner } from '../../apps/node/src/runners/sandbox/sandboxRunner.ts'
import { buildSupervisor } from '../../apps/node/test/escape/buildSupervisor.ts'

const START_ROUNDS = 25
const WORK_ROUNDS = 9

/**
 * Programs that time themselves and print milliseconds of wall clock and of CPU. The first two are CPU-bound; the third only
 * makes system calls.
 */
const WORKLOADS = {
  'matrix product in JavaScript': `
    const n = 360, a = new Float64Array(n * n).map((_, i) => i % 7), b = a.slice(), c = new Float64Array(n * n)
    const run = () => { for (let i = 0; i < n; i++) for (let k = 0; k < n; k++) { const x = a[i * n + k]; for (let j = 0; j < n; j++) c[i * n + j] += x * b[k * n + j] } }
    run(); const done = timer(); for (let r = 0; r < 12; r++) run(); done()`,
  'SHA-256 of 512 MiB': `
    const { createHash } = require('node:crypto'), block = Buffer.alloc(1 << 20, 7)
    const run = (count) => { const h = createHash('sha256'); for (let i = 0; i < count; i++) h.update(block); return h.digest() }
    run(16); const done = timer(); run(512); done()`,
  '300,000 stat calls': `
    const { statSync } = require('node:fs')
    const run = (count) => { for (let i = 0; i < count; i++) statSync('/usr') }
    run(10000); const done = timer(); run(300000); done()`,
} as const
type Workload = keyof typeof WORKLOADS
const TIMER = `const timer = () => { const wall = performance.now(), before = process.cpuUsage(); return () => {
  const { user, system } = process.cpuUsage(before); console.log(JSON.stringify({ wallMs: performance.now() - wall, cpuMs: (user + system) / 1000 })) } }
`
const CPU_BOUND: readonly Workload[] = ['matrix product in JavaScript', 'SHA-256 of 512 MiB']

const loadAtStart = loadavg()[0] ?? 0
const folder = mkdtempSync(join(tmpdir(), 'millrace-bench-sandbox-'))
const runner = createSandboxRunner({
  directory: join(folder, 'jobs'),
  supervisor: await buildSupervisor(folder),
})
const probe = await runner.probe()
if (!probe.available) throw new RangeError(`${probe.reason} ${probe.remedy}`)

let count = 0
const taskOf = (run: string): RunnerTask => ({
  id: `bench-${count++}`,
  bundle: null,
  run,
  envs: {},
  outputs: [],
  gpus: [],
  deadline: Date.now() / 1000 + 120,
  limits: {
    cpus: cpus().length,
    memoryBytes: 1 << 30,
    diskBytes: 1 << 30,
    inodes: 100_000,
    processes: 256,
    logBytes: 1 << 20,
    outputBytes: 1 << 20,
    network: 'none',
  },
})

interface Measured {
  /** Milliseconds from the order to the first byte of the log. */
  readonly firstByteMs: number
  readonly output: string
}

function runBare(script: string): Promise<Measured> {
  const started = performance.now()
  return new Promise((resolve, reject) => {
    const child = spawn('/bin/sh', ['-e', '-c', script], { stdio: ['ignore', 'pipe', 'inherit'] })
    let output = ''
    let firstByteMs = Number.NaN
    child.stdout.on('data', (bytes: Buffer) => {
      if (output === '') firstByteMs = performance.now() - started
      output += bytes.toString()
    })
    child.once('error', reject)
    child.once('close', () => resolve({ firstByteMs, output }))
  })
}

async function runSandboxed(script: string): Promise<Measured> {
  const started = performance.now()
  const task = taskOf(script)
  const job = await runner.start(task)
  let output = ''
  let firstByteMs = Number.NaN
  for await (const { stream, bytes } of job.readLog({ from: 0, follow: true })) {
    if (output === '') firstByteMs = performance.now() - started
    if (stream === 'stdout') output += Buffer.from(bytes).toString()
  }
  const result = await job.done
  if (result.exitCode !== 0) throw new RangeError(`The job ended: ${result.message ?? result.exitCode}`)
  await runner.remove(task.id)
  return { firstByteMs, output }
}

const sorted = (values: readonly number[]) => [...values].sort((a, b) => a - b)
const quantile = (values: readonly number[], q: number) =>
  sorted(values)[Math.min(values.length - 1, Math.floor(q * values.length))] ?? Number.NaN
const rounded = (value: number, digits = 1) => Number(value.toFixed(digits))
const summary = (values: readonly number[]) => ({
  medianMs: rounded(quantile(values, 0.5)),
  p10Ms: rounded(quantile(values, 0.1)),
  p90Ms: rounded(quantile(values, 0.9)),
})

// Bare and sandboxed take turns, and the turns change order, so that what else the machine does falls on both.
async function interleaved(
  script: string,
  rounds: number,
): Promise<{ bare: Measured[]; sandbox: Measured[] }> {
  const bare: Measured[] = []
  const sandbox: Measured[] = []
  for (let round = 0; round < rounds; round++) {
    if (round % 2 === 0) bare.push(await runBare(script))
    sandbox.push(await runSandboxed(script))
    if (round % 2 === 1) bare.push(await runBare(script))
  }
  return { bare, sandbox }
}

await runSandboxed('echo warm')
const start = await interleaved('echo first', START_ROUNDS)
const startLatency = {
  bare: summary(start.bare.map(({ firstByteMs }) => firstByteMs)),
  sandbox: summary(start.sandbox.map(({ firstByteMs }) => firstByteMs)),
}
const quote = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`
interface Worked {
  readonly wallMs: number
  readonly cpuMs: number
}
interface WorkloadResult {
  readonly cpuBound: boolean
  readonly bare: { readonly wall: object; readonly cpu: object }
  readonly sandbox: { readonly wall: object; readonly cpu: object }
  readonly wallRatio: number
  readonly cpuRatio: number
}
const workloads: Record<string, WorkloadResult> = {}
for (const name of Object.keys(WORKLOADS) as Workload[]) {
  const measured = await interleaved(`node -e ${quote(TIMER + WORKLOADS[name])}`, WORK_ROUNDS)
  const parse = (runs: readonly Measured[]) => runs.map(({ output }) => JSON.parse(output) as Worked)
  const [bare, sandbox] = [parse(measured.bare), parse(measured.sandbox)]
  // The median of the pairs' ratios is what remains when the machine drifts.
  const ratio = (of: keyof Worked) =>
    rounded(
      quantile(
        sandbox.map((run, index) => run[of] / (bare[index]?.[of] ?? Number.NaN)),
        0.5,
      ),
      3,
    )
  const both = (runs: readonly Worked[]) => ({
    wall: summary(runs.map(({ wallMs }) => wallMs)),
    cpu: summary(runs.map(({ cpuMs }) => cpuMs)),
  })
  workloads[name] = {
    cpuBound: CPU_BOUND.includes(name),
    bare: both(bare),
    sandbox: both(sandbox),
    wallRatio: ratio('wallMs'),
    cpuRatio: ratio('cpuMs'),
  }
}
await runner.sweep(new Set())
rmSync(folder, { recursive: true, force: true })

const results = {
  machine: {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memoryGiB: rounded(totalmem() / 2 ** 30),
    kernel: release(),
    node: process.version,
    // Above the number of cores, others took part of the machine and only the CPU ratio means something.
    loadAtStart: rounded(loadAtStart),
    loadAtEnd: rounded(loadavg()[0] ?? 0),
  },
  features: probe.features,
  rounds: { start: START_ROUNDS, work: WORK_ROUNDS },
  startLatency,
  workloads,
  target: { cpuBoundRatioAtMost: 1.05 },
}
const table = [
  ['', 'bare', 'sandbox'],
  ['order to first log line', `${startLatency.bare.medianMs} ms`, `${startLatency.sandbox.medianMs} ms`],
  ['', 'wall ratio', 'CPU ratio'],
  ...Object.entries(workloads).map(([name, { wallRatio, cpuRatio }]) => [
    name,
    String(wallRatio),
    String(cpuRatio),
  ]),
]
for (const row of table)
  process.stdout.write(
    `${row.map((cell, index) => (index === 0 ? cell.padEnd(32) : cell.padStart(12))).join('')}\n`,
  )
const target = join(import.meta.dirname, '..', 'results')
mkdirSync(target, { recursive: true })
writeFileSync(join(target, 'sandbox.json'), `${JSON.stringify(results, null, 2)}\n`)
