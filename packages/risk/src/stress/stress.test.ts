import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ParameterError } from '../errors/RiskError.ts'
import type { StressFacility, StressLoan } from './facility.ts'
import { runStress } from './runStress.ts'
import { namesBySize, type Scenario, scenarios } from './scenarios.ts'

const covenants = {
  coverage: 1,
  loanToValue: 1.2,
  subordination: 0.15,
  effectiveNames: 5,
  redemptionDays: 60,
}

function loanOf(at: number, change: Partial<StressLoan> = {}): StressLoan {
  return {
    id: `loan ${at}`,
    names: {
      obligor: `obligor ${at}`,
      operator: `operator ${at % 6}`,
      hardware: at % 4 === 0 ? 'H200' : 'H100',
      site: `site ${at % 5}`,
      jurisdiction: `country ${at % 3}`,
      currency: 'USDC',
      marketplace: 'own',
    },
    principal: 100_000,
    rate: 0.11,
    floating: at % 2 === 0,
    months: 24,
    revenue: [
      { payer: 'big', monthly: 4500 },
      { payer: `small ${at}`, monthly: 4500 },
    ],
    power: 800,
    costs: 500,
    curve: { value: 200_000, drift: 0.25 },
    haircut: 0.25,
    reserve: 0,
    deliveredIn: 0,
    ...change,
  }
}

const facility: StressFacility = {
  cash: 50_000,
  loans: Array.from({ length: 12 }, (_, at) => loanOf(at, at === 11 ? { deliveredIn: 3 } : {})),
  seniorClaim: 900_000,
  seniorRate: 0.08,
  seniorFloating: true,
  firstLoss: 60_000,
  queued: 0,
  covenants,
}
const calm: Scenario = { name: 'calm', event: '', action: '', shock: () => ({}) }
const named = (name: string) => scenarios.find((scenario) => scenario.name === name) ?? calm

describe('runStress', () => {
  test('default: without a shock nothing is lost', () => {
    expect(runStress(facility, calm)).toMatchObject({
      loss: 0,
      juniorLoss: 0,
      seniorLoss: 0,
      defaults: [],
      daysToCash: 0,
      firstTripped: null,
    })
  })

  test.each(scenarios)('behavior: $name shows in a book with narrow limits', (scenario) => {
    const narrow = { ...facility, covenants: { ...covenants, coverage: 1.45, loanToValue: 0.72 } }
    const { scenario: name, event, action, ...figures } = runStress(narrow, scenario)
    const { scenario: _name, event: _event, action: _action, ...untouched } = runStress(narrow, calm)
    expect(figures).not.toEqual(untouched)
    expect([name, event, action]).toEqual([scenario.name, scenario.event, scenario.action])
  })

  test('behavior: names are told apart', () => {
    expect(new Set(scenarios.map(({ name }) => name)).size).toBe(scenarios.length)
  })

  test('behavior: half the rent and half the value default most, through first loss and junior into senior', () => {
    const found = runStress(facility, named('price crash'))
    expect(found.defaults.length).toBeGreaterThan(6)
    expect(found.firstLossLost).toBe(60_000)
    expect(found.juniorLoss).toBeGreaterThan(0)
    expect(found.firstTripped?.covenant).toBe('loanToValue')
    expect(found.firstTripped?.day).toBe(0)
  })

  test('behavior: the payer of half of everything leaves: coverage breaks first', () => {
    const found = runStress(facility, named('largest payer leaves'))
    expect(found.firstTripped).toMatchObject({ covenant: 'coverage', day: 30, limit: 1 })
    expect(found.defaults).toHaveLength(12)
    // Two thirds of the value were lent, so the machines still bring what is owed.
    expect(found.loss).toBe(0)
  })

  test('behavior: a depeg is borne by both lines alike', () => {
    const { loss, juniorLoss, seniorLoss, currencyLoss } = runStress(facility, named('stablecoin depeg'))
    expect(loss).toBe(0)
    expect(seniorLoss).toBeCloseTo(90_000, 6)
    expect(juniorLoss).toBeCloseTo(35_000, 6)
    expect(currencyLoss).toBeCloseTo(125_000, 6)
  })

  test('behavior: a run takes days to be paid, and the days that are allowed run out', () => {
    const found = runStress(facility, named('run on redemptions'))
    expect(found.daysToCash ?? 0).toBeGreaterThan(120)
    expect(found.firstTripped).toMatchObject({ covenant: 'redemptionDays', day: 90 })
    expect(found.loss).toBe(0)
  })

  test('behavior: what fell while appraisals stood still is seen when they move', () => {
    const tight = { ...facility, covenants: { ...covenants, loanToValue: 0.7 } }
    expect(runStress(tight, named('stale oracle')).firstTripped).toMatchObject({
      covenant: 'loanToValue',
      day: 7,
    })
  })

  test('behavior: late machines earn late, and the interest of the wait is no default by itself', () => {
    const found = runStress(facility, named('late chips'))
    expect(found.defaults).toEqual(['loan 11'])
    const slow = { ...facility, loans: [loanOf(0, { deliveredIn: 9, months: 36 })] }
    expect(runStress(slow, calm).defaults).toEqual([])
    const reserved = { ...facility, loans: facility.loans.map((loan) => ({ ...loan, reserve: 60_000 })) }
    expect(runStress(reserved, named('late chips')).defaults).toEqual([])
  })

  test('behavior: losses are borne exactly once, and a bigger first loss never hurts a line', () => {
    const scenario = fc.constantFrom(...scenarios)
    const share = fc.double({ min: 0, max: 1, noNaN: true })
    fc.assert(
      fc.property(scenario, share, share, share, (one, senior, first, scale) => {
        const changed = {
          ...facility,
          seniorClaim: senior * 1_200_000,
          firstLoss: first * 300_000,
          loans: facility.loans.map((loan) => ({
            ...loan,
            curve: { ...loan.curve, value: 300_000 * scale },
          })),
        }
        const found = runStress(changed, one)
        expect(found.firstLossLost + found.juniorLoss + found.seniorLoss).toBeCloseTo(
          found.loss + found.currencyLoss,
          4,
        )
        if (found.seniorLoss - found.currencyLoss > 1e-6)
          expect(found.firstLossLost).toBeCloseTo(changed.firstLoss, 6)
        const better = runStress({ ...changed, firstLoss: changed.firstLoss + 10_000 }, one)
        expect(better.seniorLoss).toBeLessThanOrEqual(found.seniorLoss + 1e-6)
        expect(better.juniorLoss).toBeLessThanOrEqual(found.juniorLoss + 1e-6)
      }),
    )
  })

  test('error: ParameterError', () => {
    expect(() => runStress({ ...facility, cash: -1 }, calm)).toThrow(ParameterError)
    expect(() => runStress({ ...facility, loans: [loanOf(1, { months: 0 })] }, calm)).toThrow(
      'months of loan loan 1',
    )
  })
})

describe('namesBySize', () => {
  test('default', () => {
    expect(namesBySize(facility, 'hardware')).toEqual(['H100', 'H200'])
    expect(namesBySize({ ...facility, loans: [] }, 'site')).toEqual([])
  })
})
