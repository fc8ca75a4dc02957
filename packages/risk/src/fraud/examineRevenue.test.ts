import { describe, expect, test } from 'vitest'
import { ParameterError } from '../errors/RiskError.ts'
import { revenueLimit } from '../loans/limit.ts'
import { createRevenueExaminer, type RevenueReport } from './examineRevenue.ts'
import { createLedger } from './ledger.ts'
import type { MeterReading } from './meter.ts'
import { plantWash, scoreReport } from './simulator/plantWash.ts'
import { type Scheme, schemes } from './simulator/schemes.ts'
import { leastStake, washProfit } from './washProfit.ts'

const blind: readonly Scheme[] = ['before the look-back', 'through an exchange', 'off chain']
const seen = schemes.filter((scheme) => !blind.includes(scheme))

function examined(scheme: Scheme | null, seed = 11, share = 0.5) {
  const planted = plantWash({ seed, scheme, share })
  const ledger = createLedger(1n)
  ledger.add(planted.transfers)
  const report = createRevenueExaminer(ledger).examine(planted.question)
  return { ...planted, report, score: scoreReport(report, planted.washed) }
}

describe('createRevenueExaminer', () => {
  test('default: honest revenue loses little, and nothing weighs high', () => {
    for (const seed of [1, 2, 3]) {
      const { report, score } = examined(null, seed)
      expect(score.honestLost).toBeLessThan(0.1)
      expect(report.findings.filter(({ weight }) => weight === 'high')).toEqual([])
      expect(report.adjusted).toBeGreaterThan((report.revenue * 9n) / 10n)
    }
  })

  test.each(seen)('default: %s is taken out, with its path as evidence', (scheme) => {
    const { report, score, washed } = examined(scheme)
    expect(score.recall).toBeGreaterThan(0.99)
    expect(score.precision).toBeGreaterThan(0.75)
    const worst = report.findings.find(({ evidence }) => evidence.length > 0)
    expect(worst?.weight).not.toBe('low')
    const [path] = worst?.evidence ?? []
    const payment = path?.steps.find(({ to }) => to === 'asset 1')
    expect(washed.has(payment?.id ?? '')).toBe(true)
    expect(path?.amount ?? 0n).toBeGreaterThan(0n)
  })

  test.each(blind)('behavior: %s leaves no trail; nothing of it is found by money alone', (scheme) => {
    const { report, score } = examined(scheme)
    expect(score.recall).toBeLessThan(0.2)
    // What remains are signs: accounts that nobody had seen, or that one account funded first.
    expect(report.findings.map(({ type }) => type)).toEqual(
      expect.arrayContaining([scheme === 'before the look-back' ? 'common funder' : 'new payers']),
    )
  })

  test('behavior: the lower bound never exceeds what was washed by a ring, the upper bound never falls short', () => {
    for (const scheme of ['ring of two', 'long ring', 'fan-out'] as const) {
      const { report, washed } = examined(scheme)
      const truth = [...washed.values()].reduce((sum, amount) => sum + amount, 0n)
      const fundable = report.payments.reduce((sum, one) => sum + one.fundable, 0n)
      expect(fundable).toBeGreaterThanOrEqual(truth)
      expect(report.fundableShare).toBeGreaterThanOrEqual(report.circularShare)
      for (const { amount, circular, fundable: bound } of report.payments) {
        expect(circular <= amount).toBe(true)
        expect(bound <= amount).toBe(true)
      }
      const [hour, dayLong, week, month] = report.cycled
      const rising = [hour, dayLong, week, month].map((one) => one?.share ?? Number.NaN)
      expect(rising.toSorted((a, b) => a - b)).toEqual(rising)
    }
  })

  test('behavior: asking as transfers come ends where asking once does, also after a reorganisation', () => {
    const { transfers, question } = plantWash({ seed: 5, scheme: 'mixing hops', share: 0.4 })
    const all = createLedger(1n)
    all.add(transfers)
    const once = createRevenueExaminer(all).examine(question)
    const ledger = createLedger(1n)
    const examiner = createRevenueExaminer(ledger)
    const step = Math.ceil(transfers.length / 9)
    for (let from = 0; from < transfers.length; from += step) {
      ledger.add(transfers.slice(from, from + step))
      examiner.examine(question)
    }
    const totals = ({ revenue, adjusted, fundableShare, circularShare, cycled, signals }: RevenueReport) => {
      return {
        revenue,
        fundableShare,
        circularShare,
        cycled,
        signals,
        adjusted,
      }
    }
    expect(totals(examiner.examine(question))).toEqual(totals(once))
    ledger.cut(transfers.length - 500)
    examiner.examine(question)
    ledger.add(transfers.slice(transfers.length - 500))
    expect(totals(examiner.examine(question))).toEqual(totals(once))
  })

  test('behavior: what the meter does not support is not lent against', () => {
    const { transfers, question } = plantWash({ seed: 1, scheme: null, share: 0 })
    const ledger = createLedger(1n)
    ledger.add(transfers)
    const meter: MeterReading = {
      paidSeconds: 1_000_000,
      receiptSeconds: 900_000,
      availableSeconds: 800_000,
      challengesPassed: 0.5,
      energyKwh: null,
      idleWatts: 100,
      busyWatts: 700,
    }
    const report = createRevenueExaminer(ledger).examine(question, meter)
    expect(report.attestedShare).toBeCloseTo(0.4, 12)
    expect(report.adjusted).toBe((report.revenue * 4n) / 10n)
    expect(report.findings[0]).toMatchObject({
      type: 'unsupported by the meter',
      weight: 'high',
      sentence: '60.0 % of the paid machine time exceeds receipts, capacity, challenges.',
    })
    expect(report.findings.find(({ type }) => type === 'no reading')?.sentence).toContain('energy: none')
    // Half of the revenue was paid for calls, which no meter of seconds sees.
    const half = createRevenueExaminer(ledger).examine(question, { ...meter, paid: report.revenue / 2n })
    expect(half.adjusted - (report.revenue * 7n) / 10n).toBeLessThanOrEqual(1n)
    expect((report.revenue * 7n) / 10n - half.adjusted).toBeLessThanOrEqual(1n)
    expect(half.findings.find(({ type }) => type === 'unsupported by the meter')?.share).toBeCloseTo(0.3, 6)
  })

  test('behavior: an asset without payments has no revenue and no findings', () => {
    const report = createRevenueExaminer(createLedger(1n)).examine({
      asset: 'x',
      related: [],
      from: 0,
      to: 1,
    })
    expect(report).toMatchObject({
      revenue: 0n,
      adjusted: 0n,
      fundableShare: 0,
      circularShare: 0,
      findings: [],
    })
  })
})

describe('attack: washing revenue to borrow against it', () => {
  /** What an operator may borrow, on the revenue as it looks or as it is examined, if six months were like this one. */
  const limitOf = ({ revenue, adjusted, signals }: RevenueReport, on: 'revenue' | 'adjusted') =>
    Number(
      revenueLimit({
        months: Array(6).fill(on === 'revenue' ? revenue : adjusted),
        multiple: 3,
        payerConcentration: signals.payerConcentration,
        attested: 1,
        circular: 0,
      }),
    ) / 1e6
  const honest = examined(null).report

  test.each(schemes)('%s: fees alone never stop it; what is examined, hours and stake do', (scheme) => {
    const { report, washed } = examined(scheme)
    const monthly = Number([...washed.values()].reduce((sum, amount) => sum + amount, 0n)) / 1e6
    const cost = 6 * 0.01 * monthly
    // A scheme that mixes in money from elsewhere hides that part.
    const paid = report.payments.reduce(
      (sum, { id, amount }) => (washed.has(id) ? sum + Number(amount) / 1e6 : sum),
      0,
    )
    const naive = limitOf(report, 'revenue') - limitOf(honest, 'revenue') - cost
    expect(naive).toBeGreaterThan(2 * monthly)
    const gain = limitOf(report, 'adjusted') - limitOf(honest, 'adjusted') - cost
    if (!blind.includes(scheme)) {
      // Spreading payments over false payers also lowers the payers' concentration: a little is won that way.
      expect(gain).toBeLessThan(3 * (paid - monthly) + 0.5 * monthly)
    }
    // Whatever is left to gain, that much first loss takes away; and so do six months of machine hours that could have been sold.
    expect(gain - Math.max(0, gain)).toBeLessThanOrEqual(0)
    expect(gain - 6 * 0.55 * paid).toBeLessThan(0)
  })

  test('the inequality of the design: 6 % of a month obtains 300 %, and the stake that closes it', () => {
    const plan = { monthly: 100, months: 6, multiple: 3, advance: 1, fee: 0.01, detected: 0, hours: 0 }
    expect(washProfit({ ...plan, firstLoss: 0 })).toBeCloseTo(294, 9)
    expect(leastStake({ ...plan, detected: 0.9 })).toBeCloseTo(24, 9)
    expect(leastStake({ ...plan, detected: 0.99 })).toBe(0)
    expect(leastStake({ ...plan, hours: 0.5 })).toBe(0)
    for (const detected of [0, 0.3, 0.8, 1])
      expect(
        washProfit({ ...plan, detected, firstLoss: leastStake({ ...plan, detected }) }),
      ).toBeLessThanOrEqual(1e-9)
    expect(() => washProfit({ ...plan, firstLoss: -1 })).toThrow(ParameterError)
  })
})
