// How well the examination of revenue tells planted wash trading from honest payments, scheme by scheme; and what it costs on a ledger of a
// million transfers, first and when it has grown.
import { mkdirSync, writeFileSync } from 'node:fs'
import { cpus, loadavg, totalmem } from 'node:os'
import { join } from 'node:path'
import {
  createLedger,
  createRevenueExaminer,
  plantWash,
  type RevenueReport,
  type Scheme,
  schemes,
  scoreReport,
  type Transfer,
  type WashScore,
} from '@millrace/risk/fraud'

const SEEDS = Number(process.env.MILLRACE_BENCH_SEEDS ?? 20)
const WORLDS = Number(process.env.MILLRACE_BENCH_WORLDS ?? 75)
const SHARE = 0.5
const loadAtStart = round(loadavg()[0] ?? 0, 2)

/** Whether a report makes an underwriter look: a finding of weight that is more than large payers. */
const alarms = ({ findings }: RevenueReport) =>
  findings.some(
    ({ type, weight }) => weight === 'high' || (weight === 'medium' && type !== 'concentrated payers'),
  )

function measure(scheme: Scheme | null, share = SHARE) {
  const scores: WashScore[] = []
  const reports: RevenueReport[] = []
  for (let seed = 1; seed <= SEEDS; seed++) {
    const { transfers, question, washed } = plantWash({ seed, scheme, share })
    const ledger = createLedger(1n)
    ledger.add(transfers)
    const report = createRevenueExaminer(ledger).examine(question)
    reports.push(report)
    scores.push(scoreReport(report, washed))
  }
  const mean = (of: (score: (typeof scores)[number]) => number) =>
    round(scores.reduce((sum, score) => sum + of(score), 0) / scores.length, 3)
  const sum = (of: (score: (typeof scores)[number]) => number) =>
    scores.reduce((total, score) => total + of(score), 0)
  return {
    scheme: scheme ?? 'none: honest payments alone',
    precision: scheme === null ? null : mean(({ precision }) => precision),
    recall: scheme === null ? null : mean(({ recall }) => recall),
    paymentPrecision:
      scheme === null
        ? null
        : round(
            sum((one) => one.flaggedRightly) /
              Math.max(
                1,
                sum((one) => one.flagged),
              ),
            3,
          ),
    paymentRecall:
      scheme === null ? null : round(sum((one) => one.flaggedRightly) / sum((one) => one.planted), 3),
    honestRevenueLost: mean(({ honestLost }) => honestLost),
    worstHonestRevenueLost: round(Math.max(...scores.map(({ honestLost }) => honestLost)), 3),
    cameRound: round(reports.reduce((total, { circularShare }) => total + circularShare, 0) / SEEDS, 3),
    alarms: round(reports.filter(alarms).length / SEEDS, 2),
  }
}

/** Many economies around one exchange in one ledger. */
function manyWorlds(): readonly Transfer[] {
  const all: Transfer[] = []
  for (let world = 0; world < WORLDS; world++) {
    const scheme = schemes[world % schemes.length] ?? null
    const name = (account: string) => (account === 'exchange' ? account : `${world} ${account}`)
    for (const transfer of plantWash({ seed: 1000 + world, scheme, share: SHARE }).transfers)
      all.push({
        ...transfer,
        id: `${world} ${transfer.id}`,
        from: name(transfer.from),
        to: name(transfer.to),
      })
  }
  return all.sort((a, b) => a.time - b.time)
}

const table = [null, ...schemes].map((scheme) => measure(scheme))
console.table(table)
const bySize = [0.05, 0.1, 0.25, 1].map((share) => ({
  washedShareOfHonestRevenue: share,
  ...measure('ring of three', share),
}))
console.table(bySize)

const transfers = manyWorlds()
const { question } = plantWash({ seed: 1, scheme: null, share: 0 })
const asked = Array.from({ length: WORLDS }, (_, world) => ({
  ...question,
  asset: `${world} ${question.asset}`,
  related: question.related.map((account) => `${world} ${account}`),
}))
const ms = (work: () => unknown) => {
  const began = performance.now()
  work()
  return performance.now() - began
}
const ledger = createLedger(1n)
const [early, late] = [transfers.slice(0, -1000), transfers.slice(-1000)]
const addMs = ms(() => ledger.add(early))
const examiner = createRevenueExaminer(ledger)
const sample = asked.slice(0, 20)
const firstMs = sample.map((one) => ms(() => examiner.examine(one)))
ledger.add(late)
const againMs = sample.map((one) => ms(() => examiner.examine(one)))
const freshMs = sample.map((one) => ms(() => createRevenueExaminer(ledger).examine(one)))
const median = (values: readonly number[]) =>
  round(values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0, 1)
const cost = {
  transfers: transfers.length,
  accounts: ledger.accounts,
  addSeconds: round(addMs / 1000, 2),
  transfersPerSecond: Math.round(early.length / (addMs / 1000)),
  firstAskMs: median(firstMs),
  againAfterThousandMoreMs: median(againMs),
  fromScratchMs: median(freshMs),
}
console.log(cost)
const results = {
  machine: {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    loadAtStart,
  },
  node: process.version,
  seeds: SEEDS,
  washedShareOfHonestRevenue: SHARE,
  what: 'precision and recall of money, and of payments of which half or more is taken out; means over the seeds',
  table,
  bySize,
  cost,
}
const folder = join(import.meta.dirname, '..', 'results')
mkdirSync(folder, { recursive: true })
writeFileSync(join(folder, 'fraud.json'), `${JSON.stringify(results, null, 2)}\n`)

function round(value: number, places: number): number {
  return Math.round(value * 10 ** places) / 10 ** places
}
