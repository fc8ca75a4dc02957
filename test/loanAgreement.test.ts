import { interestUp, type LoanPeriod, type LoanTerms, runLoan } from '@millrace/risk'
import { type LoanRecord, loanInterest, loanPlan, loanWanted, rawInterest } from '@millrace/sdk'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

/** Parts per million × seconds of a year: what divides raw interest on chain. */
const unit = 1_000_000n * 31_536_000n
const month = 30 * 86_400

/** What a loan of the contracts did in one period. */
interface ChainPeriod {
  readonly interest: bigint
  readonly principal: bigint
  readonly outstanding: bigint
}

/**
 * The same loan by the arithmetic of the contracts (`LoanMath`, which vectors hold to Solidity): revenue after costs reaches the debt slot at
 * the end of each period.
 */
function runOnChain(terms: LoanTerms, run: readonly LoanPeriod[]): readonly ChainPeriod[] {
  const rate = terms.rateBps * 100
  const rampEnd = terms.rampPeriods * terms.period
  let loan: LoanRecord = {
    ...{
      principal: 0n,
      drawn: 0n,
      rate,
      offset: 0n,
      accrues: true,
      sweeps: false,
      revenueBps: 0,
      dscrBps: 0,
    },
    ...{ rampEnd, maturity: rampEnd + terms.periods * terms.period },
  }
  return run.map(({ at, revenue, costs }, index) => {
    for (const { amount, at: time } of terms.draws)
      if (time >= at - terms.period && time < at)
        loan = {
          ...loan,
          principal: loan.principal + amount,
          drawn: loan.drawn + amount,
          offset: loan.offset + amount * BigInt(rate) * BigInt(time),
        }
    // A sweep that the model began at the end of the last period is on in this one.
    loan = { ...loan, sweeps: run[index - 1]?.sweep ?? false }
    const available = revenue - costs
    const wanted = loanWanted(loan, at, available)
    const taken = wanted < available ? wanted : available
    const owed = loanInterest(loan, at)
    const interest = owed < taken ? owed : taken
    const principal = taken - interest
    const raw = rawInterest(loan, at)
    const rawPaid = interest * unit < raw ? interest * unit : raw
    loan = {
      ...loan,
      principal: loan.principal - principal,
      offset: loan.offset + rawPaid - principal * BigInt(rate) * BigInt(at),
    }
    return { interest, principal, outstanding: loan.principal }
  })
}

const termsOf = fc
  .record({
    amounts: fc.array(fc.bigInt({ min: 1n, max: 10n ** 12n }), { minLength: 1, maxLength: 3 }),
    rateBps: fc.integer({ min: 0, max: 4_000 }),
    period: fc.constantFrom(86_400, 7 * 86_400, month),
    rampPeriods: fc.integer({ min: 1, max: 6 }),
    periods: fc.integer({ min: 1, max: 30 }),
    spread: fc.integer({ min: 0, max: 1_000 }),
  })
  .map(({ amounts, spread, ...rest }): LoanTerms => {
    const last = rest.rampPeriods * rest.period - 1
    const draws = amounts.map((amount, at) => ({
      amount,
      at: Math.floor((last * spread * at) / (1_000 * amounts.length)),
    }))
    return { ...rest, draws, amortisation: 'straight' }
  })
const distance = (a: bigint, b: bigint) => (a < b ? b - a : a - b)

describe('a loan of the risk package and one of the contracts', () => {
  test.each([
    ['that is never swept', { trigger: 0, goodDates: 1, default: 0 }],
    ['that is swept as the model says', { trigger: 1.25, goodDates: 2 }],
  ] as const)('behavior: %s is paid alike, but for a unit a period', (_, covenant) => {
    let [swept, behind, closed] = [0, 0, 0]
    fc.assert(
      fc.property(termsOf, fc.array(fc.integer({ min: 0, max: 300 }), { maxLength: 60 }), (terms, parts) => {
        const drawn = terms.draws.reduce((sum, { amount }) => sum + amount, 0n)
        const count = terms.rampPeriods + terms.periods + 4
        // About what is due, a third of it to three times.
        const due =
          drawn / BigInt(terms.periods) +
          interestUp({ principal: drawn, rateBps: terms.rateBps, seconds: terms.period })
        const incomes = Array.from({ length: count }, (__, at) => {
          const revenue = (due * BigInt(parts[at] ?? 110)) / 100n
          return { revenue, costs: revenue / 10n }
        })
        const run = runLoan(terms, { incomes, covenant, window: 3 })
        const chain = runOnChain(terms, run)
        let [modelPaid, chainPaid] = [0n, 0n]
        for (const [at, period] of run.entries()) {
          const other = chain[at]
          if (other === undefined) throw new RangeError('no period')
          // The model rounds interest and the plan up once a period, the chain once for all.
          const most = BigInt(2 * (at + 1))
          expect(distance(period.outstanding, other.outstanding)).toBeLessThanOrEqual(most)
          modelPaid += period.interest + period.principal
          chainPaid += other.interest + other.principal
          expect(distance(modelPaid, chainPaid)).toBeLessThanOrEqual(most)
          if (period.sweep) swept++
          if (period.arrears > most) behind++
          if (period.outstanding === 0n && other.outstanding === 0n) closed++
        }
      }),
      { numRuns: 300 },
    )
    // The hard cases were met.
    expect(behind).toBeGreaterThan(100)
    expect(closed).toBeGreaterThan(100)
    if (covenant.trigger > 0) expect(swept).toBeGreaterThan(100)
    else expect(swept).toBe(0)
  })

  test('behavior: the plans are the same, but for a unit a payment', () => {
    fc.assert(
      fc.property(termsOf, (terms) => {
        const drawn = terms.draws.reduce((sum, { amount }) => sum + amount, 0n)
        const incomes = Array.from({ length: terms.rampPeriods + terms.periods }, () => ({
          revenue: 10n ** 30n,
          costs: 0n,
        }))
        const rampEnd = terms.rampPeriods * terms.period
        const maturity = rampEnd + terms.periods * terms.period
        for (const { at, outstanding } of runLoan(terms, {
          ...{ incomes, window: 3 },
          covenant: { trigger: 0, goodDates: 1, default: 0 },
        }).filter((period) => period.at >= rampEnd))
          expect(distance(outstanding, loanPlan({ drawn, rampEnd, maturity }, at))).toBeLessThanOrEqual(
            BigInt(terms.periods),
          )
      }),
    )
  })
})
