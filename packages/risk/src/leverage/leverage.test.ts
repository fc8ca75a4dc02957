import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ParameterError } from '../errors/RiskError.ts'
import { assetLeverage, lookThroughLeverage } from './lookThroughLeverage.ts'
import {
  CircularOwnershipError,
  type FacilityBook,
  FacilityUnknownError,
  valueFacilities,
} from './valueFacilities.ts'

const gpu: FacilityBook = {
  id: 'gpu',
  cash: 0,
  loans: [
    { obligor: 'a', value: 60 },
    { obligor: 'b', value: 40 },
  ],
  holdings: [],
  seniorClaim: 80,
}

const solidity = JSON.parse(
  readFileSync(new URL('../../../../vectors/solidity.json', import.meta.url), 'utf8'),
) as { readonly lines: readonly (readonly string[])[] }

describe('valueFacilities', () => {
  test('default: the lines of a facility as the contracts split them, through a loss that wipes junior out', () => {
    let [hurt, doubted] = [0, 0]
    for (const row of solidity.lines) {
      const [, idle = 0, principal = 0, interest = 0, doubt = 0, claim = 0, ...lines] = row.map(Number)
      const [seniorHigh, seniorLow, juniorHigh, juniorLow] = lines
      const split = (value: number) =>
        valueFacilities([
          { id: 'f', cash: idle, loans: [{ obligor: 'a', value }], holdings: [], seniorClaim: claim },
        ]).get('f')
      expect(split(principal + interest)).toMatchObject({ senior: seniorHigh, junior: juniorHigh })
      expect(split(principal - doubt)).toMatchObject({ senior: seniorLow, junior: juniorLow })
      if (juniorLow === 0 && (seniorLow ?? 0) < claim) hurt++
      if (interest > 0) doubted++
    }
    // Senior's claim is its money at 8 % a year, rounded down, whatever it is worth.
    const [first = [], ...others] = solidity.lines
    for (const row of others) {
      const [time, claim, begun] = [row[0], row[5], first[0]].map((cell) => BigInt(cell ?? 0))
      const money = BigInt(first[5] ?? 0)
      const seconds = (time ?? 0n) - (begun ?? 0n)
      expect(claim).toBe(money + (money * 80_000n * seconds) / (1_000_000n * 31_536_000n))
    }
    expect([hurt, doubted]).toEqual([2, 3])
  })

  test('default: senior first, junior the rest, and who holds units takes part', () => {
    const fund: FacilityBook = {
      id: 'fund',
      cash: 5,
      loans: [],
      holdings: [
        { facility: 'gpu', line: 'junior', share: 0.5 },
        { facility: 'gpu', line: 'senior', share: 0.25 },
      ],
      seniorClaim: 20,
    }
    const values = valueFacilities([fund, gpu])
    expect(values.get('gpu')).toEqual({ assets: 100, senior: 80, junior: 20 })
    expect(values.get('fund')).toEqual({ assets: 35, senior: 20, junior: 15 })
  })

  test('behavior: a loop counts what is really there: outsiders own exactly all of it', () => {
    const share = fc.double({ min: 0, max: 0.95, noNaN: true })
    const amount = fc.double({ min: 0, max: 1000, noNaN: true })
    fc.assert(
      fc.property(
        share,
        share,
        share,
        amount,
        amount,
        amount,
        amount,
        (s1, s2, s3, own1, own2, claim1, claim2) => {
          const facilities: FacilityBook[] = [
            {
              id: 'x',
              cash: own1,
              loans: [],
              holdings: [{ facility: 'y', line: 'junior', share: s1 }],
              seniorClaim: claim1,
            },
            {
              id: 'y',
              cash: 0,
              loans: [{ obligor: 'o', value: own2 }],
              holdings: [
                { facility: 'x', line: 'senior', share: s2 },
                { facility: 'x', line: 'junior', share: s3 },
              ],
              seniorClaim: claim2,
            },
          ]
          const values = valueFacilities(facilities)
          const [x, y] = [values.get('x'), values.get('y')]
          const outside =
            (x?.senior ?? 0) * (1 - s2) +
            (x?.junior ?? 0) * (1 - s3) +
            (y?.senior ?? 0) +
            (y?.junior ?? 0) * (1 - s1)
          expect(outside).toBeCloseTo(own1 + own2, 5)
        },
      ),
    )
  })

  test('behavior: a loss lands on the junior of the junior first', () => {
    const holder: FacilityBook = {
      id: 'holder',
      cash: 0,
      loans: [],
      holdings: [{ facility: 'gpu', line: 'junior', share: 1 }],
      seniorClaim: 15,
    }
    const lose = (value: number) =>
      valueFacilities([holder, { ...gpu, loans: [{ obligor: 'a', value }] }]).get('holder')
    expect(lose(100)).toEqual({ assets: 20, senior: 15, junior: 5 })
    expect(lose(95)).toEqual({ assets: 15, senior: 15, junior: 0 })
    expect(lose(90)).toEqual({ assets: 10, senior: 10, junior: 0 })
    expect(lose(70)).toEqual({ assets: 0, senior: 0, junior: 0 })
  })

  test('error: FacilityUnknownError, CircularOwnershipError, ParameterError', () => {
    const holds = (facility: string, share = 1): FacilityBook => ({
      id: 'h',
      cash: 1,
      loans: [],
      holdings: [{ facility, line: 'junior', share }],
      seniorClaim: 0,
    })
    expect(() => valueFacilities([holds('nobody')])).toThrow(
      'The facility "nobody" is held by "h" and not known.',
    )
    expect(() => valueFacilities([gpu, gpu])).toThrow(FacilityUnknownError)
    expect(() => valueFacilities([holds('h')])).toThrow(CircularOwnershipError)
    expect(() => valueFacilities([holds('gpu', 1.5), gpu])).toThrow(ParameterError)
    const twice = { ...holds('gpu', 0.7), id: 'other' }
    expect(() => valueFacilities([holds('gpu', 0.7), twice, gpu])).toThrow(
      'share of junior gpu that is held in all',
    )
  })
})

describe('lookThroughLeverage', () => {
  test('default: a junior unit of a levered facility is levered twice', () => {
    const fund: FacilityBook = {
      id: 'fund',
      cash: 0,
      loans: [],
      holdings: [{ facility: 'gpu', line: 'junior', share: 1 }],
      seniorClaim: 10,
    }
    const [first, second] = lookThroughLeverage([gpu, fund])
    expect(first).toMatchObject({ leverage: 5, loop: [] })
    // 100 of machines behind a junior line of 10.
    expect(second).toMatchObject({
      leverage: 10,
      exposures: [
        { obligor: 'a', amount: 60 },
        { obligor: 'b', amount: 40 },
      ],
    })
    expect(second?.herfindahl).toBeCloseTo(0.52, 12)
  })

  test('default: facilities that hold each other are named', () => {
    const facilities: FacilityBook[] = [
      { ...gpu, holdings: [{ facility: 'other', line: 'junior', share: 0.5 }] },
      {
        id: 'other',
        cash: 50,
        loans: [],
        holdings: [{ facility: 'gpu', line: 'junior', share: 0.5 }],
        seniorClaim: 0,
      },
    ]
    for (const { loop } of lookThroughLeverage(facilities)) expect(loop).toEqual(['gpu', 'other'])
  })

  test('behavior: without holdings it is assets over junior', () => {
    const amount = fc.double({ min: 1, max: 1e6, noNaN: true })
    fc.assert(
      fc.property(
        fc.array(amount, { minLength: 1, maxLength: 9 }),
        fc.double({ min: 0, max: 0.9, noNaN: true }),
        (loans, part) => {
          const total = loans.reduce((sum, value) => sum + value, 0)
          const book = {
            ...gpu,
            loans: loans.map((value, at) => ({ obligor: `${at}`, value })),
            seniorClaim: total * part,
          }
          expect(lookThroughLeverage([book])[0]?.leverage).toBeCloseTo(1 / (1 - part), 6)
        },
      ),
    )
  })
})

describe('assetLeverage', () => {
  test('default', () => {
    expect(assetLeverage({ senior: 60, junior: 20, shares: 30, capacity: 10, value: 100 })).toBeCloseTo(
      1.2,
      12,
    )
    expect(assetLeverage({ senior: 0, junior: 0, shares: 0, capacity: 0, value: 0 })).toBe(0)
    expect(assetLeverage({ senior: 1, junior: 0, shares: 0, capacity: 0, value: 0 })).toBe(
      Number.POSITIVE_INFINITY,
    )
    expect(() => assetLeverage({ senior: -1, junior: 0, shares: 0, capacity: 0, value: 1 })).toThrow(
      ParameterError,
    )
  })
})
