// What a capacity challenge costs: the machine's product beside the buyer's check of it, on the same machine.
import { randomBytes } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { availableParallelism, cpus, loadavg, totalmem } from 'node:os'
import { join } from 'node:path'
import { openingSize, residualTolerance, verifyOpening } from '@millrace/sdk/challenge'
import { bytesToHex } from 'viem'
import { multiplyOnCpu } from '../../apps/node/src/challenge/index.ts'

const SIZES = [512, 1024, 1536, 2048]
const OPENINGS = 40
const ROUNDS = Number(process.env.MILLRACE_BENCH_ROUNDS ?? 5)
const threads = availableParallelism()
const name = cpus()[0]?.model.trim() ?? 'unknown'

interface Round {
  readonly productMs: number
  readonly openMs: number
  readonly checkMs: number
  readonly residual: number
}

async function round(n: number): Promise<Round> {
  const [seed, r] = [bytesToHex(randomBytes(32)), bytesToHex(randomBytes(32))]
  const rows = Array.from({ length: OPENINGS }, (_, i) => Math.floor((i * n) / OPENINGS))
  const began = performance.now()
  const product = await multiplyOnCpu({ threads, name })({ n, seed }, new AbortController().signal)
  const committed = performance.now()
  const body = await product.open(r, rows)
  const opened = performance.now()
  const root = product.units[0]?.root ?? '0x'
  const { problems, residual } = await verifyOpening({ n, seed, unit: 0, root, r, rows, body })
  const checked = performance.now()
  await product.close()
  if (problems.length > 0) throw new RangeError(`an honest product was refused: ${problems[0]?.message}`)
  return { productMs: committed - began, openMs: opened - committed, checkMs: checked - opened, residual }
}

const table: Record<string, unknown>[] = []
await round(512)
for (const n of SIZES) {
  const rounds: Round[] = []
  for (let i = 0; i < ROUNDS; i++) rounds.push(await round(n))
  // The best of several: what others do on the machine only ever adds.
  const best = (pick: (round: Round) => number) => Math.min(...rounds.map(pick))
  const productMs = best((one) => one.productMs)
  const checkMs = best((one) => one.checkMs)
  table.push({
    n,
    productMs: decimals(productMs, 1),
    gflops: decimals((2 * n ** 3) / productMs / 1e6, 1),
    openMs: decimals(
      best((one) => one.openMs),
      1,
    ),
    checkMs: decimals(checkMs, 1),
    // The check runs on one thread.
    cpuRatio: decimals((threads * productMs) / checkMs, 1),
    openingKiB: Math.round(
      openingSize(
        n,
        Array.from({ length: OPENINGS }, (_, i) => i),
      ) / 1024,
    ),
    worstResidual: decimals(Math.max(...rounds.map((one) => one.residual)), 3),
    tolerance: Number(residualTolerance(n).toPrecision(3)),
  })
}
console.table(table)
const machine = {
  cpu: name,
  threads,
  memoryGiB: Math.round(totalmem() / 2 ** 30),
  node: process.version,
  load: decimals(loadavg()[0] ?? 0, 1),
}
const folder = join(import.meta.dirname, '..', 'results')
mkdirSync(folder, { recursive: true })
writeFileSync(
  join(folder, 'challenge.json'),
  `${JSON.stringify({ machine, openings: OPENINGS, rounds: ROUNDS, table }, null, 2)}\n`,
)

function decimals(value: number, places: number): number {
  return Math.round(value * 10 ** places) / 10 ** places
}
