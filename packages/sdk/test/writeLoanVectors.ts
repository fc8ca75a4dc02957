// Writes vectors/loans.json, the arithmetic of credit that tests of TypeScript and Solidity read alike. Run it only when the arithmetic
// changes on purpose: node --conditions=source --import tsx packages/sdk/test/writeLoanVectors.ts, then biome's format.
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import {
  decayTrailing,
  halvingLeft,
  type LoanCoverage,
  type LoanRecord,
  loanDue,
  loanInterest,
  loanPlan,
  loanService,
  loanWanted,
  observeRevenue,
  rawInterest,
} from '../src/index.ts'

type Cell = bigint | number | boolean
const day = 86_400
const year = 365 * day
const most = 2n ** 88n - 1n
const start = 1_800_000_000

/** Numbers that are the same in every run: the low bits of a multiplicative sequence. */
let state = 0x9e3779b97f4a7c15n
function pick(below: number): number {
  state = (state * 6_364_136_223_846_793_005n + 1_442_695_040_888_963_407n) % 2n ** 64n
  return Number((state >> 33n) % BigInt(below))
}
const pickAmount = () => BigInt(pick(2 ** 30)) * 10n ** BigInt(pick(8))

const halvings: [bigint, number, number][] = [
  [0n, 5, 1],
  [1n, 0, day],
  [1n, 1, day],
  [100_000_000_000n, year, 2 * year],
  [100_000_000_000n, 2 * year, 2 * year],
  [100_000_000_000n, 2 * year + 1, 2 * year],
  [most, 87, 1],
  [most, 88, 1],
  [most, 255, 1],
  [most, 256, 1],
  [most, 2 ** 32 - 1, 2 ** 32 - 1],
  [most, 2 ** 32 - 2, 2 ** 32 - 1],
  ...Array.from({ length: 12 }, (): [bigint, number, number] => [
    pickAmount(),
    pick(2 ** 28),
    1 + pick(2 ** 26),
  ]),
]

const decays: [bigint, number][] = [
  ...[0, 1, 2, 29, 30, 31, 255, 4095, 4096, 100_000].map((epochs): [bigint, number] => [most, epochs]),
  [1n, 1],
  [30n, 1],
  [2n ** 64n, 77],
]

const plain: LoanRecord = {
  principal: 50_000_000_000n,
  drawn: 50_000_000_000n,
  rate: 140_000,
  offset: 50_000_000_000n * 140_000n * BigInt(start),
  accrues: true,
  rampEnd: start + 90 * day,
  maturity: start + 90 * day + 2 * year,
  revenueBps: 0,
  dscrBps: 12_500,
  sweeps: false,
}
interface Case {
  readonly loan: LoanRecord
  readonly time: number
  readonly available: bigint
  readonly epochLength: number
}
const at = (loan: Partial<LoanRecord>, time: number, available = 100_000_000n): Case => ({
  loan: { ...plain, ...loan },
  time,
  available,
  epochLength: day,
})
const cases: Case[] = [
  at({}, start),
  at({}, start + 1),
  at({}, plain.rampEnd),
  at({}, plain.rampEnd + 1),
  at({}, plain.rampEnd + year),
  at({}, plain.maturity),
  at({}, plain.maturity + year),
  at({ accrues: false, offset: -1n }, start),
  at({ accrues: false, offset: -(365n * BigInt(day) * 1_000_000n) }, start),
  at({ accrues: false, offset: 0n }, start),
  at({ sweeps: true }, start + day),
  at({ revenueBps: 5_000 }, start + day),
  at({ revenueBps: 10_000 }, start + day, 2n ** 100n),
  at({ maturity: plain.rampEnd }, plain.rampEnd),
  at({ principal: 0n, offset: 0n }, start),
  at({ principal: most, drawn: most, rate: 2 ** 24 - 1, offset: 0n }, 2 ** 32 - 1),
  at({ principal: 1n, drawn: most }, plain.rampEnd + 7),
  ...Array.from({ length: 16 }, (): Case => {
    const drawn = pickAmount()
    const principal = (drawn * BigInt(1 + pick(1_000))) / 1_000n
    const rate = pick(2 ** 20)
    const rampEnd = start + pick(year)
    const since = start + pick(year)
    return {
      loan: {
        ...{ drawn, principal, rate, rampEnd },
        offset: principal * BigInt(rate) * BigInt(since),
        accrues: pick(4) > 0,
        maturity: rampEnd + pick(4 * year),
        revenueBps: pick(10_001),
        dscrBps: pick(20_000),
        sweeps: pick(4) === 0,
      },
      time: since + pick(3 * year),
      available: pickAmount(),
      epochLength: 1 + pick(7 * day),
    }
  }),
]

/** Revenue that pays, fails and comes back; seen once an epoch, late, twice in an epoch, and out of order. */
const seen: [number, bigint][] = []
const first = Math.floor(plain.rampEnd / day)
for (let index = 0; index < 40; index++) seen.push([first + index, 130_000_000n])
for (let index = 40; index < 70; index++) seen.push([first + index, index % 3 === 0 ? 0n : 20_000_000n])
seen.push([first + 75, 400_000_000n], [first + 75, 400_000_000n], [first + 73, 100_000_000n])
for (let index = 76; index < 100; index++) seen.push([first + index, 500_000_000n])
seen.push([first + 4_300, 1n], [first + 70_000, most], [first + 70_001, most])

const covered = plain
let coverage: LoanCoverage = { trailing: 0n, epoch: first - 90, age: 0, good: 0, sweeps: false }
const begun = coverage
const steps = seen.map(([epoch, available]) => {
  coverage = observeRevenue({ ...covered, sweeps: coverage.sweeps }, coverage, {
    ...{ epoch, available, epochLength: day },
  })
  const { trailing, age, good, sweeps } = coverage
  return [epoch, available, trailing, coverage.epoch, age, good, sweeps]
})

const asWord = (value: Cell) => BigInt.asUintN(256, BigInt(value)).toString()
const rows = (table: readonly (readonly Cell[])[]) => table.map((row) => row.map(asWord))
const recordOf = (loan: LoanRecord) => [
  ...[loan.principal, loan.drawn, loan.rate, loan.offset, loan.accrues, loan.rampEnd, loan.maturity],
  ...[loan.revenueBps, loan.dscrBps, loan.sweeps],
]
const record = [
  'principal',
  'drawn',
  'rate',
  'offset',
  'accrues',
  'rampEnd',
  'maturity',
  'revenueBps',
  'dscrBps',
  'sweeps',
]
const table = {
  about: 'Every cell is a word of 256 bits in decimal digits; a negative offset is its complement of two.',
  halving: {
    columns: ['amount', 'elapsed', 'halfLife', 'left'],
    rows: rows(
      halvings.map(([amount, elapsed, halfLife]) => [
        amount,
        elapsed,
        halfLife,
        halvingLeft(amount, elapsed, halfLife),
      ]),
    ),
  },
  decay: {
    columns: ['trailing', 'epochs', 'left'],
    rows: rows(decays.map(([trailing, epochs]) => [trailing, epochs, decayTrailing(trailing, epochs)])),
  },
  loans: {
    columns: [
      ...record,
      'time',
      'available',
      'epochLength',
      'raw',
      'interest',
      'plan',
      'due',
      'wanted',
      'service',
    ],
    rows: rows(
      cases.map(({ loan, time, available, epochLength }) => [
        ...recordOf(loan),
        ...[
          time,
          available,
          epochLength,
          rawInterest(loan, time),
          loanInterest(loan, time),
          loanPlan(loan, time),
        ],
        ...[loanDue(loan, time), loanWanted(loan, time, available), loanService(loan, epochLength)],
      ]),
    ),
  },
  coverage: {
    epochLength: day,
    columns: record,
    loan: recordOf(covered).map(asWord),
    begun: [begun.trailing, begun.epoch, begun.age, begun.good, begun.sweeps].map(asWord),
    stepColumns: ['seen', 'available', 'trailing', 'epoch', 'age', 'good', 'sweeps'],
    rows: rows(steps),
  },
}
const text = JSON.stringify(table, null, 2)
writeFileSync(fileURLToPath(new URL('../../../vectors/loans.json', import.meta.url)), `${text}\n`)
