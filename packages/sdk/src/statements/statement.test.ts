import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { StatementUnbalancedError } from '../errors/statements.ts'
import { balance, type StatementLine, statementToCsv, zeros } from './statement.ts'

const columns = ['in', 'kept'] as const
type Column = (typeof columns)[number]
const line = (moved: Record<Column, bigint>, what = 'paid'): StatementLine<Column> => ({
  ...{ time: 1_800_000_000, block: 7n, transaction: '0xabc', what, moved },
})
const of = (lines: readonly StatementLine<Column>[]) => ({
  ...{ of: 'asset 1', fromBlock: 1n, toBlock: 9n, columns, lines },
  opening: { in: 0n, kept: 5n },
  decimals: { in: 6, kept: 2 },
})

describe('default', () => {
  test('lines on the opening give the closing', () => {
    const { closing } = balance(of([line({ in: 3n, kept: 3n }), line({ in: 0n, kept: -8n })]), { kept: 0n })
    expect(closing).toEqual({ in: 3n, kept: 0n })
  })

  test('CSV: opening, lines, closing, with the decimals of each column', () => {
    const statement = balance(of([line({ in: 1_500_000n, kept: -5n }, 'paid, "twice"')]), {})
    expect(statementToCsv(statement).split('\r\n')).toEqual([
      'time,block,transaction,what,in,kept',
      ',,,opening,0,0.05',
      '2027-01-15T08:00:00.000Z,7,0xabc,"paid, ""twice""",1.5,-0.05',
      ',,,closing,1.5,0',
    ])
  })
})

describe('error: StatementUnbalancedError', () => {
  test('by one unit, whichever way', () => {
    const unit = fc.constantFrom(1n, -1n)
    const moves = fc.array(fc.bigInt({ min: -(2n ** 88n), max: 2n ** 88n }))
    fc.assert(
      fc.property(moves, unit, (amounts, off) => {
        const lines = amounts.map((kept) => line({ ...zeros(columns), kept }))
        const sum = amounts.reduce((total, amount) => total + amount, 5n)
        expect(balance(of(lines), { kept: sum }).closing.kept).toBe(sum)
        expect(() => balance(of(lines), { kept: sum + off })).toThrowError(StatementUnbalancedError)
      }),
    )
  })
})
