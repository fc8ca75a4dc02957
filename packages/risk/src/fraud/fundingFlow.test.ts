import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ParameterError } from '../errors/RiskError.ts'
import { AmountRangeError, TransferOrderError } from './errors.ts'
import { createFundingFlow, type FundingQuestion } from './fundingFlow.ts'
import { createLedger, type Transfer } from './ledger.ts'

type Row = readonly [time: number, from: string, to: string, amount: number]
const transfersOf = (rows: readonly Row[]): Transfer[] =>
  rows.map(([time, from, to, amount], at) => ({ id: `t${at}`, time, from, to, amount: BigInt(amount) }))
const question: FundingQuestion = {
  asset: 'asset',
  related: ['owner'],
  from: 0,
  to: 1000,
  lookback: 100,
  hubDegree: Number.POSITIVE_INFINITY,
  leastHubShare: 0,
}
const ask = (rows: readonly Row[], change: Partial<FundingQuestion> = {}) => {
  const ledger = createLedger(1n)
  ledger.add(transfersOf(rows))
  const flow = createFundingFlow(ledger, { ...question, ...change })
  return { flow, funded: flow.payments().map((payment) => payment.funded), paths: flow.paths() }
}

describe('createFundingFlow', () => {
  test('default: what the owner pays itself, what it lends to a friend, and a stranger', () => {
    const { funded, paths } = ask([
      [1, 'owner', 'asset', 5],
      [2, 'owner', 'friend', 30],
      [3, 'friend', 'asset', 50],
      [4, 'stranger', 'asset', 70],
    ])
    expect(funded).toEqual([5, 30, 0])
    expect(paths).toEqual([
      { payment: 0, transfers: [], units: 5, way: 'paid by a related account' },
      { payment: 2, transfers: [1], units: 30, way: 'funded before' },
    ])
  })

  test('behavior: money cannot be passed on before it came', () => {
    expect(
      ask([
        [1, 'a', 'b', 10],
        [2, 'owner', 'a', 10],
        [3, 'b', 'asset', 10],
      ]).funded,
    ).toEqual([0])
  })

  test('behavior: each unit counts once, over all payers', () => {
    const { funded } = ask([
      [1, 'owner', 'a', 10],
      [2, 'a', 'b', 6],
      [3, 'a', 'c', 6],
      [4, 'b', 'asset', 6],
      [5, 'c', 'asset', 6],
    ])
    expect(funded.reduce((sum, one) => sum + one, 0)).toBe(10)
  })

  test('behavior: what leaves the till counts as related; money round and round counts each time it is paid in', () => {
    const rows: Row[] = []
    for (let round = 0; round < 5; round++)
      rows.push([10 * round, 'asset', 'payer', 100], [10 * round + 1, 'payer', 'asset', 100])
    expect(ask(rows).funded).toEqual([100, 100, 100, 100, 100])
  })

  test('behavior: a payer that is paid back after it paid', () => {
    const { funded, paths } = ask([
      [1, 'payer', 'asset', 40],
      [2, 'payer', 'asset', 40],
      [5, 'owner', 'middle', 60],
      [6, 'middle', 'payer', 60],
    ])
    expect(funded.reduce((sum, one) => sum + one, 0)).toBe(60)
    expect(new Set(paths.map(({ way }) => way))).toEqual(new Set(['reimbursed after']))
    expect(paths[0]?.transfers).toEqual([2, 3])
  })

  test('behavior: money that left the owner too long before the period is not followed', () => {
    const rows: Row[] = [
      [800, 'owner', 'friend', 10],
      [1050, 'friend', 'asset', 10],
    ]
    expect(ask(rows, { from: 1000, to: 2000 }).funded).toEqual([0])
    expect(ask(rows, { from: 1000, to: 2000, lookback: 300 }).funded).toEqual([10])
  })

  test('behavior: an exchange passes on related money in proportion; faking one with dust does not help', () => {
    const crowd: Row[] = Array.from({ length: 60 }, (_, at) => [1, `user ${at}`, 'exchange', 1000])
    const honest: Row[] = [
      ...crowd,
      [2, 'owner', 'exchange', 600],
      [3, 'exchange', 'customer', 5000],
      [4, 'customer', 'asset', 5000],
    ]
    // One part in 101 of the exchange's income was the owner's.
    expect(ask(honest, { hubDegree: 50 }).funded).toEqual([50])
    expect(ask(honest).funded).toEqual([600])
    expect(ask(honest, { hubDegree: 50, leastHubShare: 0.05 }).funded).toEqual([0])
    const dust: Row[] = Array.from({ length: 60 }, (_, at) => [1, `user ${at}`, 'fake', 1])
    const faked: Row[] = [
      ...dust,
      [2, 'owner', 'fake', 5940],
      [3, 'fake', 'customer', 5000],
      [4, 'customer', 'asset', 5000],
    ]
    expect(ask(faked, { hubDegree: 50 }).funded).toEqual([4950])
  })

  const rows = fc
    .array(
      fc.tuple(
        fc.nat(900),
        fc.constantFrom('owner', 'a', 'b', 'c', 'd', 'asset'),
        fc.constantFrom('owner', 'a', 'b', 'c', 'd', 'asset'),
        fc.integer({ min: 1, max: 50 }),
      ),
      { maxLength: 40 },
    )
    .map((all) => all.toSorted((x, y) => x[0] - y[0]))

  test('behavior: asking as transfers come gives what asking once gives', () => {
    fc.assert(
      fc.property(rows, fc.constantFrom(2, 4, Number.POSITIVE_INFINITY), (all, hubDegree) => {
        const period = { from: 400, to: 700, hubDegree }
        const ledger = createLedger(1n)
        const flow = createFundingFlow(ledger, { ...question, ...period })
        const total = () => flow.payments().reduce((sum, { funded }) => sum + funded, 0)
        let before = 0
        for (const transfer of transfersOf(all)) {
          ledger.add([transfer])
          const now = total()
          expect(now).toBeGreaterThanOrEqual(before)
          before = now
        }
        expect(before).toBe(ask(all, period).funded.reduce((sum, one) => sum + one, 0))
      }),
    )
  })

  test('behavior: paths add up to what is funded, go forward in time, start related and end at the payer', () => {
    fc.assert(
      fc.property(rows, (all) => {
        const { flow, paths } = ask(all)
        for (const { transfer, paid, funded } of flow.payments()) {
          expect(funded <= paid).toBe(true)
          const own = paths.filter(({ payment }) => payment === transfer)
          expect(own.reduce((sum, { units }) => sum + units, 0)).toBe(funded)
          for (const path of own) {
            if (path.transfers.length === 0) continue
            const steps = path.transfers.map((at) => all[at] as Row)
            expect(['owner', 'asset']).toContain(steps[0]?.[1])
            expect(steps.at(-1)?.[2]).toBe(all[transfer]?.[1])
            for (const [at, step] of steps.entries()) {
              if (at > 0) expect(steps[at - 1]?.[2]).toBe(step[1])
              if (at > 0) expect(path.transfers[at - 1] ?? 0).toBeLessThan(path.transfers[at] ?? 0)
            }
            expect((path.transfers.at(-1) ?? 0) > transfer).toBe(path.way === 'reimbursed after')
          }
        }
      }),
    )
  })

  test('behavior: more related accounts, or a longer look back, never lower the bound', () => {
    fc.assert(
      fc.property(rows, (all) => {
        const total = (change: Partial<FundingQuestion>) =>
          ask(all, change).funded.reduce((sum, one) => sum + one, 0)
        const base = { from: 300, to: 600 }
        expect(total({ ...base, related: ['owner', 'a'] })).toBeGreaterThanOrEqual(total(base))
        expect(total({ ...base, lookback: 300 })).toBeGreaterThanOrEqual(total(base))
      }),
    )
  })
})

describe('createLedger', () => {
  test('behavior: after a cut it is as if the rest had never been', () => {
    const kept = transfersOf([
      [1, 'a', 'b', 3],
      [2, 'b', 'c', 4],
    ])
    const lost = transfersOf([[3, 'c', 'a', 9]]).map((one) => ({ ...one, id: 'lost' }))
    const ledger = createLedger(1n)
    ledger.add([...kept, ...lost])
    ledger.cut(2)
    expect([ledger.size, ledger.cuts]).toEqual([2, 1])
    ledger.add(transfersOf([[2, 'c', 'b', 1]]))
    expect([ledger.knows('a'), ledger.knows('nobody')]).toEqual([true, false])
    expect(ledger.idOf(2)).toBe('t0')
    expect(ledger.into(ledger.account('a'))).toEqual([])
    expect(ledger.into(ledger.account('b'))).toEqual([0, 2])
    // c has dealt with b alone; what it had with a is gone.
    expect(ledger.degreeOf(2)).toBe(1)
    ledger.cut(99)
    expect(ledger.cuts).toBe(1)
  })

  test('behavior: a larger unit rounds revenue down and money passed on up', () => {
    const ledger = createLedger(1000n)
    ledger.add(transfersOf([[1, 'a', 'b', 1500]]))
    expect([ledger.unitsUp(0), ledger.unitsDown(0)]).toEqual([2, 1])
  })

  test('error: TransferOrderError, AmountRangeError, ParameterError; then nothing was added', () => {
    const ledger = createLedger(1n)
    ledger.add(transfersOf([[5, 'a', 'b', 1]]))
    expect(() =>
      ledger.add(
        transfersOf([
          [6, 'a', 'b', 1],
          [4, 'a', 'b', 1],
        ]),
      ),
    ).toThrow(TransferOrderError)
    expect(() => ledger.add([{ id: 'big', time: 6, from: 'a', to: 'b', amount: 2n ** 53n }])).toThrow(
      AmountRangeError,
    )
    expect(() => ledger.add([{ id: 'less', time: 6, from: 'a', to: 'b', amount: -1n }])).toThrow(
      'is negative',
    )
    expect(() => ledger.cut(-1)).toThrow(ParameterError)
    expect(ledger.size).toBe(1)
  })
})
