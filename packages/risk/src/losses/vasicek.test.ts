import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ParameterError } from '../errors/RiskError.ts'
import { normalInverse } from '../maths/normal.ts'
import { defaultWithin, expectedLoss, unexpectedLoss } from './expected.ts'
import { priceTranche } from './price.ts'
import { conditionalPd, vasicekCdf, vasicekQuantile, vasicekTrancheLoss } from './vasicek.ts'

const books = fc.record({
  pd: fc.double({ min: 0.001, max: 0.5, noNaN: true }),
  correlation: fc.double({ min: 0.02, max: 0.9, noNaN: true }),
})

describe('expectedLoss, unexpectedLoss, defaultWithin', () => {
  test('default: the formulas', () => {
    expect(expectedLoss({ exposure: 100_000, pd: 0.08, lgd: 0.45 })).toBeCloseTo(3600, 9)
    expect(unexpectedLoss({ exposure: 100_000, pd: 0.08, lgd: 0.45 })).toBeCloseTo(
      45_000 * Math.sqrt(0.08 * 0.92),
      6,
    )
    expect(unexpectedLoss({ exposure: 1, pd: 1, lgd: 0.5, lgdDeviation: 0.2 })).toBeCloseTo(0.2, 12)
    expect(defaultWithin(0.08, 3)).toBeCloseTo(1 - 0.92 ** 3, 14)
    expect([defaultWithin(1, 0), defaultWithin(1, 2), defaultWithin(0, 9)]).toEqual([0, 1, 0])
  })

  test('error: ParameterError', () => {
    expect(() => expectedLoss({ exposure: -1, pd: 0, lgd: 0 })).toThrow(ParameterError)
    expect(() => expectedLoss({ exposure: 1, pd: 1.1, lgd: 0 })).toThrow(
      'The probability of default is "1.1"',
    )
    expect(() => unexpectedLoss({ exposure: 1, pd: 0, lgd: 0, lgdDeviation: 2 })).toThrow(ParameterError)
    expect(() => defaultWithin(0.1, -1)).toThrow(ParameterError)
  })
})

describe('vasicek', () => {
  test.each([
    [0.0003, 4.15],
    [0.0025, 21.3],
    [0.01, 56.4],
    [0.05, 148.22],
    [0.2, 253.12],
  ])(
    'default: the risk weight of mortgages of PD %d and LGD 45 %% in Basel II, annex 5, is %d %%',
    (pd, percent) => {
      const capital = 0.45 * (vasicekQuantile({ pd, correlation: 0.15 }, 0.999) - pd)
      expect(capital * 1250).toBeCloseTo(percent, 2)
    },
  )

  test('behavior: quantile and distribution undo each other, and the mean is the PD', () => {
    fc.assert(
      fc.property(books, fc.double({ min: 0.001, max: 0.999, noNaN: true }), (book, confidence) => {
        expect(vasicekCdf(book, vasicekQuantile(book, confidence))).toBeCloseTo(confidence, 6)
        let mean = 0
        for (let i = 0; i < 2000; i++) mean += conditionalPd(book, normalInverse((i + 0.5) / 2000)) / 2000
        expect(mean).toBeCloseTo(book.pd, 3)
      }),
    )
  })

  test('behavior: tranches add up to the book, and the lower loses more', () => {
    fc.assert(
      fc.property(
        books,
        fc.double({ min: 0.1, max: 1, noNaN: true }),
        fc.double({ min: 0.01, max: 0.5, noNaN: true }),
        (book, lgd, cut) => {
          const lower = vasicekTrancheLoss({ ...book, lgd }, { attach: 0, detach: cut })
          const upper = vasicekTrancheLoss({ ...book, lgd }, { attach: cut, detach: 1 })
          expect(lower * cut + upper * (1 - cut)).toBeCloseTo(book.pd * lgd, 8)
          expect(lower).toBeGreaterThanOrEqual(upper - 1e-9)
        },
      ),
    )
  })

  test('behavior: a tranche loses what the integral over the factor says', () => {
    const book = { pd: 0.08, correlation: 0.3, lgd: 0.45 }
    const [attach, detach] = [0.1, 0.2]
    const n = 200_000
    let sum = 0
    for (let i = 0; i < n; i++) {
      const loss = 0.45 * conditionalPd(book, normalInverse((i + 0.5) / n))
      sum += Math.min(Math.max(loss - attach, 0), detach - attach) / n
    }
    expect(vasicekTrancheLoss(book, { attach, detach })).toBeCloseTo(sum / (detach - attach), 6)
  })

  test('error: ParameterError', () => {
    expect(() => vasicekQuantile({ pd: 0, correlation: 0.3 }, 0.99)).toThrow(ParameterError)
    expect(() => vasicekCdf({ pd: 0.1, correlation: 1 }, 0.5)).toThrow(ParameterError)
    expect(() =>
      vasicekTrancheLoss({ pd: 0.1, correlation: 0.3, lgd: 0.5 }, { attach: 0.3, detach: 0.3 }),
    ).toThrow('above 0.3 and at most 1')
  })
})

describe('priceTranche', () => {
  const terms = {
    yearlyPd: 0.08,
    lgd: 0.45,
    correlation: 0.3,
    years: 3,
    paymentsPerYear: 12,
    riskFreeRate: 0.04,
  }

  test('default: the whole book earns about hazard times LGD', () => {
    const { spread } = priceTranche({ ...terms, attach: 0, detach: 1, riskFreeRate: 0 })
    // Losses 0.45·PD(t) at a hazard of −ln(0.92), on what they leave: between the hazard on all and on survivors.
    const hazard = -Math.log(0.92)
    expect(spread).toBeGreaterThan(0.45 * hazard * 0.92 ** 3)
    expect(spread).toBeLessThan(0.45 * hazard)
  })

  test('behavior: the more is below a tranche, the less it must earn; correlation moves risk upwards', () => {
    const spread = (attach: number, correlation = 0.3) =>
      priceTranche({ ...terms, correlation, attach, detach: attach + 0.1 }).spread
    expect(spread(0)).toBeGreaterThan(spread(0.1))
    expect(spread(0.1)).toBeGreaterThan(spread(0.2))
    expect(spread(0.3, 0.5)).toBeGreaterThan(spread(0.3, 0.1))
    expect(spread(0, 0.5)).toBeLessThan(spread(0, 0.1))
  })

  test('behavior: the spread pays for the losses', () => {
    const { spread, annuity, losses } = priceTranche({ ...terms, attach: 0.05, detach: 0.2 })
    expect(spread * annuity).toBeCloseTo(losses, 12)
  })

  test('error: ParameterError', () => {
    expect(() => priceTranche({ ...terms, attach: 0, detach: 1, years: 0 })).toThrow(ParameterError)
    expect(() => priceTranche({ ...terms, attach: 0, detach: 1, paymentsPerYear: 1.5 })).toThrow(
      ParameterError,
    )
  })
})
