// The losses of a book of 10,000 loans on 100,000 paths: all threads and one, beside NumPy and a plain loop, with the same model, and beside
// what is known exactly.
import { spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { availableParallelism, cpus, loadavg, totalmem } from 'node:os'
import { join } from 'node:path'
import {
  type Book,
  createRandom,
  normalInverse,
  type SimulatedLosses,
  simulateLosses,
  summariseLosses,
  trancheLoss,
  vasicekQuantile,
  vasicekTrancheLoss,
} from '@millrace/risk'
import { simulateBook } from '@millrace/risk/book'
import { makeBook } from './_book/makeBook.ts'

const LOANS = 10_000
const PATHS = Number(process.env.MILLRACE_BENCH_PATHS ?? 100_000)
const PLAIN_PATHS = Math.min(PATHS, 2_000)
const ROUNDS = Number(process.env.MILLRACE_BENCH_ROUNDS ?? 3)
const SEED = 2026
const threads = availableParallelism()
const machine = {
  cpu: cpus()[0]?.model.trim() ?? 'unknown',
  cores: threads,
  memoryGiB: Math.round(totalmem() / 2 ** 30),
  loadAtStart: round(loadavg()[0] ?? 0, 2),
}
const book = makeBook(LOANS)
const downturn: Book = { ...book, recovery: 'downturn' }

interface Time {
  readonly seconds: number
  /** Of all threads together. */
  readonly processorSeconds: number
}

async function timed<Value>(work: () => Value | Promise<Value>): Promise<Time & { readonly value: Value }> {
  const [began, used] = [performance.now(), process.cpuUsage()]
  const value = await work()
  const { user, system } = process.cpuUsage(used)
  return { value, seconds: (performance.now() - began) / 1000, processorSeconds: (user + system) / 1e6 }
}

/** The best of several rounds: what others do on the machine only ever adds. */
async function best(work: () => Promise<SimulatedLosses>) {
  const rounds = []
  for (let at = 0; at < ROUNDS; at++) rounds.push(await timed(work))
  return rounds.reduce((a, b) => (b.seconds < a.seconds ? b : a))
}

/** What one would write first: a normal number for each loan on each path. */
function plainLoop(paths: number): SimulatedLosses {
  const random = createRandom(SEED, 5)
  const { loans, clusters } = book
  const thresholds = Float64Array.from(loans, ({ pd }) => normalInverse(pd))
  const losses = new Float64Array(paths)
  for (let path = 0; path < paths; path++) {
    const market = random.normal()
    const factors = clusters.map(
      ({ common }) => Math.sqrt(common) * market + Math.sqrt(1 - common) * random.normal(),
    )
    let loss = 0
    for (const [at, loan] of loans.entries()) {
      const rho = clusters[loan.cluster]?.correlation ?? 0
      const value = Math.sqrt(rho) * (factors[loan.cluster] ?? 0) + Math.sqrt(1 - rho) * random.normal()
      if (value < (thresholds[at] ?? 0)) loss += loan.exposure * loan.lgd
    }
    losses[path] = loss
  }
  return { paths, clusters: [], losses, byCluster: new Float64Array(0) }
}

function inNumpy() {
  const input = JSON.stringify({
    thresholds: book.loans.map(({ pd }) => normalInverse(pd)),
    amounts: book.loans.map(({ exposure, lgd }) => exposure * lgd),
    clusters: book.loans.map(({ cluster }) => cluster),
    correlations: book.clusters.map(({ correlation }) => correlation),
    commons: book.clusters.map(({ common }) => common),
    paths: PATHS,
    seed: SEED,
  })
  const { status, stdout } = spawnSync('python3', [join(import.meta.dirname, '_book', 'book.py')], {
    input,
    encoding: 'utf8',
    maxBuffer: 2 ** 26,
  })
  return status === 0 ? (JSON.parse(stdout) as Record<string, number | string>) : null
}

const all = await best(() => simulateBook(book, { paths: PATHS, seed: SEED, threads }))
const one = await best(() => simulateBook(book, { paths: PATHS, seed: SEED, threads: 1 }))
const bad = await best(() => simulateBook(downturn, { paths: PATHS, seed: SEED, threads }))
const plain = await timed(() => plainLoop(PLAIN_PATHS))
const numpy = inNumpy()
const ours = summariseLosses(all.value, 0.99)
const theirs = summariseLosses(plain.value, 0.99)
const mean = book.loans.reduce((sum, { exposure, pd, lgd }) => sum + exposure * pd * lgd, 0)
const plainSeconds = (plain.seconds * PATHS) / PLAIN_PATHS

// A book of equal loans under one factor has a closed form in the limit of infinitely many.
const equal: Book = {
  clusters: [{ name: 'all', correlation: 0.3, common: 1 }],
  loans: Array.from({ length: LOANS }, () => ({ cluster: 0, pd: 0.08, lgd: 0.45, exposure: 1 })),
}
const limit = { pd: 0.08, correlation: 0.3, lgd: 0.45 }
const large = simulateLosses(equal, { paths: PATHS, seed: SEED })
const tranche = (attach: number, detach: number) => ({
  simulated: round(trancheLoss(large, { attach: attach * LOANS, detach: detach * LOANS }).share, 5),
  standardError: round(
    trancheLoss(large, { attach: attach * LOANS, detach: detach * LOANS }).standardError /
      ((detach - attach) * LOANS),
    5,
  ),
  closedForm: round(vasicekTrancheLoss(limit, { attach, detach }), 5),
})

const results = {
  machine,
  node: process.version,
  loans: LOANS,
  paths: PATHS,
  seed: SEED,
  rounds: ROUNDS,
  millrace: { threads, ...time(all) },
  millraceOneThread: time(one),
  millraceDownturnLosses: { threads, ...time(bad) },
  numpy: numpy === null ? 'python3 with numpy is not here' : numpy,
  plainLoop: { what: `one thread, ${PLAIN_PATHS} paths, scaled`, seconds: round(plainSeconds, 1) },
  ratios: {
    numpy: numpy === null ? null : round(Number(numpy.seconds) / all.seconds, 1),
    numpyByProcessorTime:
      numpy === null ? null : round(Number(numpy.processorSeconds) / all.processorSeconds, 1),
    plainLoop: round(plainSeconds / all.seconds, 1),
  },
  agreement: {
    exactMean: round(mean, 0),
    millrace: {
      expected: round(ours.expected, 0),
      standardError: round(ours.standardError, 0),
      deviation: round(ours.deviation, 0),
      valueAtRisk: round(ours.valueAtRisk, 0),
    },
    plainLoop: {
      expected: round(theirs.expected, 0),
      deviation: round(theirs.deviation, 0),
      valueAtRisk: round(theirs.valueAtRisk, 0),
    },
  },
  vasicek: {
    what: 'equal loans: PD 8 %, LGD 45 %, correlation 0.3; shares of each tranche that are lost',
    quantile99: {
      simulated: round(summariseLosses(large, 0.99).valueAtRisk / LOANS, 5),
      closedForm: round(0.45 * vasicekQuantile(limit, 0.99), 5),
    },
    firstLoss: tranche(0, 0.05),
    junior: tranche(0.05, 0.2),
    senior: tranche(0.2, 1),
  },
}
console.log(JSON.stringify(results, null, 2))
const folder = join(import.meta.dirname, '..', 'results')
mkdirSync(folder, { recursive: true })
writeFileSync(join(folder, 'book.json'), `${JSON.stringify(results, null, 2)}\n`)

function time({ seconds, processorSeconds }: Time) {
  return {
    seconds: round(seconds, 2),
    processorSeconds: round(processorSeconds, 2),
    millionLoanPathsPerSecond: Math.round((LOANS * PATHS) / seconds / 1e6),
  }
}

function round(value: number, places: number): number {
  return Math.round(value * 10 ** places) / 10 ** places
}
