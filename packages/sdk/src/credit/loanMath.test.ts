import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import vectors from '../../../../vectors/loans.json' with { type: 'json' }
import solidity from '../../../../vectors/solidity.json' with { type: 'json' }
import { depreciatedValue, halvingLeft } from './halving.ts'
import {
  decayTrailing,
  type LoanCoverage,
  type LoanRecord,
  loanDue,
  loanInterest,
  loanPlan,
  loanService,
  loanWanted,
  observeRevenue,
  rawInterest,
} from './loanMath.ts'

type Row = readonly string[]
const cellsOf = (columns: Row, row: Row) => {
  const cells = new Map(columns.map((name, index) => [name, BigInt(row[index] ?? '')]))
  const word = (name: string): bigint => {
    const value = cells.get(name)
    if (value === undefined) throw new RangeError(`no column ${name}`)
    return value
  }
  return { word, number: (name: string) => Number(word(name)) }
}
const loanOf = ({ word, number }: ReturnType<typeof cellsOf>): LoanRecord => ({
  principal: word('principal'),
  drawn: word('drawn'),
  rate: number('rate'),
  offset: BigInt.asIntN(256, word('offset')),
  accrues: word('accrues') === 1n,
  rampEnd: number('rampEnd'),
  maturity: number('maturity'),
  revenueBps: number('revenueBps'),
  dscrBps: number('dscrBps'),
  sweeps: word('sweeps') === 1n,
})

describe('default: the vectors that Solidity writes', () => {
  test('halving', () => {
    expect(solidity.halving).toHaveLength(32)
    for (const [amount = '', elapsed, halfLife, left = ''] of solidity.halving)
      expect(halvingLeft(BigInt(amount), Number(elapsed), Number(halfLife))).toBe(BigInt(left))
  })

  test('interest, plan, due, what is taken, service', () => {
    const { columns } = vectors.loans
    expect(solidity.loans).toHaveLength(40)
    for (const row of solidity.loans) {
      const cells = cellsOf(columns, row)
      const { word, number } = cells
      const [loan, time] = [loanOf(cells), number('time')]
      expect([
        rawInterest(loan, time),
        loanInterest(loan, time),
        loanPlan(loan, time),
        loanDue(loan, time),
        loanWanted(loan, time, word('available')),
        loanService(loan, number('epochLength')),
      ]).toEqual([word('raw'), word('interest'), word('plan'), word('due'), word('wanted'), word('service')])
    }
  })
})

describe('default: the vectors that Solidity reads too', () => {
  test('halving and decay', () => {
    for (const row of vectors.halving.rows) {
      const { word, number } = cellsOf(vectors.halving.columns, row)
      expect(halvingLeft(word('amount'), number('elapsed'), number('halfLife'))).toBe(word('left'))
    }
    for (const row of vectors.decay.rows) {
      const { word, number } = cellsOf(vectors.decay.columns, row)
      expect(decayTrailing(word('trailing'), number('epochs'))).toBe(word('left'))
    }
  })

  test('interest, plan, due, what is taken, service', () => {
    for (const row of vectors.loans.rows) {
      const cells = cellsOf(vectors.loans.columns, row)
      const { word, number } = cells
      const loan = loanOf(cells)
      const time = number('time')
      expect([
        rawInterest(loan, time),
        loanInterest(loan, time),
        loanPlan(loan, time),
        loanDue(loan, time),
        loanWanted(loan, time, word('available')),
        loanService(loan, number('epochLength')),
      ]).toEqual([word('raw'), word('interest'), word('plan'), word('due'), word('wanted'), word('service')])
    }
  })

  test('coverage: the sweep begins, needs two good tests in a row to end, and all of it is reached', () => {
    const { columns, loan: row, begun, epochLength, stepColumns, rows } = vectors.coverage
    const loan = loanOf(cellsOf(columns, row))
    const [trailing = 0n, epoch = 0n, age = 0n, good = 0n, sweeps = 0n] = begun.map(BigInt)
    let coverage: LoanCoverage = {
      ...{ trailing, sweeps: sweeps === 1n },
      ...{ epoch: Number(epoch), age: Number(age), good: Number(good) },
    }
    const reached = new Set<string>()
    for (const step of rows) {
      const { word, number } = cellsOf(stepColumns, step)
      const before = coverage
      coverage = observeRevenue(loan, coverage, {
        ...{ epoch: number('seen'), available: word('available'), epochLength },
      })
      expect(coverage).toEqual({
        ...{ trailing: word('trailing'), epoch: number('epoch'), age: number('age'), good: number('good') },
        sweeps: word('sweeps') === 1n,
      })
      reached.add(`${before.sweeps} to ${coverage.sweeps}, ${coverage.good} good`)
    }
    expect([...reached].sort()).toEqual([
      'false to false, 0 good',
      'false to true, 0 good',
      'true to false, 0 good',
      'true to true, 0 good',
      'true to true, 1 good',
    ])
  })
})

describe('behavior', () => {
  test('what halves never rises, and a haircut takes its part', () => {
    const amount = fc.bigInt({ min: 0n, max: 2n ** 88n - 1n })
    fc.assert(
      fc.property(
        amount,
        fc.nat(2 ** 31),
        fc.nat(2 ** 31),
        fc.integer({ min: 1, max: 2 ** 32 - 1 }),
        (value, a, more, halfLife) => {
          const left = halvingLeft(value, a, halfLife)
          expect(left).toBeLessThanOrEqual(value)
          expect(halvingLeft(value, a + more, halfLife)).toBeLessThanOrEqual(left)
          expect(halvingLeft(value, halfLife, halfLife)).toBe(value / 2n)
        },
      ),
    )
    expect(depreciatedValue(1_000n, 0, { halfLife: 86_400, haircutBps: 2_500 })).toBe(750n)
  })

  test('a loan takes at least what is due and never more than is owed', () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: 1n, max: 2n ** 80n }),
        fc.nat(10_000),
        fc.nat(2 ** 20),
        fc.nat(2 ** 28),
        fc.bigInt({ min: 0n, max: 2n ** 88n }),
        fc.boolean(),
        (drawn, part, rate, age, available, sweeps) => {
          const principal = (drawn * BigInt(part)) / 10_000n
          const loan: LoanRecord = {
            ...{ drawn, principal, rate, sweeps, offset: 0n, accrues: true, dscrBps: 0 },
            ...{ rampEnd: 1_000, maturity: 2 ** 27, revenueBps: part },
          }
          const wanted = loanWanted(loan, age, available)
          const owed = loanInterest(loan, age) + principal
          expect(wanted).toBeLessThanOrEqual(owed)
          expect(wanted).toBeGreaterThanOrEqual(loanDue(loan, age))
          if (sweeps) expect(wanted).toBe(owed)
        },
      ),
    )
  })
})
