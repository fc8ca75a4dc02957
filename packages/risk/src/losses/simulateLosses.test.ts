import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { simulateBook } from '../book/index.ts'
import { ParameterError } from '../errors/RiskError.ts'
import { bivariateNormalCdf, normalCdf, normalInverse } from '../maths/normal.ts'
import { createRandom } from '../maths/random.ts'
import { summariseLosses, trancheLoss } from './distribution.ts'
import type { Book } from './layout.ts'
import { marketFactors } from './marketFactors.ts'
import { simulateLosses } from './simulateLosses.ts'
import { vasicekQuantile, vasicekTrancheLoss } from './vasicek.ts'

const oneCluster = (correlation: number) => [{ name: 'all', correlation, common: 1 }]

/** A book in which nothing is like anything else. */
function mixedBook(loans: number, recovery: 'constant' | 'downturn' = 'constant'): Book {
  const random = createRandom(99, loans)
  return {
    recovery,
    clusters: [
      { name: 'a', correlation: 0.3, common: 0.5 },
      { name: 'b', correlation: 0.15, common: 1 },
      { name: 'c', correlation: 0.5, common: 0 },
    ],
    loans: Array.from({ length: loans }, () => ({
      cluster: Math.floor(random.uniform() * 3),
      pd: random.uniform() ** 3 * 0.4,
      lgd: 0.2 + 0.7 * random.uniform(),
      exposure: 1 + random.uniform() * 9,
    })),
  }
}

/** Mean and variance of a book's loss, exactly, from the joint defaults of each pair. */
function exactMoments({ loans, clusters }: Book) {
  let mean = 0
  let variance = 0
  for (const [i, a] of loans.entries()) {
    mean += a.exposure * a.pd * a.lgd
    for (const [j, b] of loans.entries()) {
      const [ca, cb] = [clusters[a.cluster], clusters[b.cluster]]
      if (ca === undefined || cb === undefined) continue
      const correlation =
        a.cluster === b.cluster
          ? ca.correlation
          : Math.sqrt(ca.correlation * cb.correlation * ca.common * cb.common)
      const joint =
        i === j ? a.pd : bivariateNormalCdf({ x: normalInverse(a.pd), y: normalInverse(b.pd), correlation })
      variance += a.exposure * a.lgd * b.exposure * b.lgd * (joint - a.pd * b.pd)
    }
  }
  return { mean, deviation: Math.sqrt(variance) }
}

describe('simulateLosses', () => {
  test('default: a large book of equal loans meets Vasicek’s closed form', () => {
    const loans = Array.from({ length: 5000 }, () => ({ cluster: 0, exposure: 1, pd: 0.08, lgd: 0.45 }))
    const losses = simulateLosses({ loans, clusters: oneCluster(0.3) }, { paths: 40_000, seed: 1 })
    for (const confidence of [0.9, 0.99]) {
      const { valueAtRisk } = summariseLosses(losses, confidence)
      const wanted = 5000 * 0.45 * vasicekQuantile({ pd: 0.08, correlation: 0.3 }, confidence)
      expect(Math.abs(valueAtRisk / wanted - 1)).toBeLessThan(0.025)
    }
    const book = { pd: 0.08, correlation: 0.3, lgd: 0.45 }
    for (const [attach, detach] of [
      [0, 0.05],
      [0.05, 0.2],
      [0.2, 1],
    ] as const) {
      const { share, standardError } = trancheLoss(losses, { attach: attach * 5000, detach: detach * 5000 })
      const wanted = vasicekTrancheLoss(book, { attach, detach })
      const size = (detach - attach) * 5000
      // Five standard errors, and what 5,000 loans differ from infinitely many.
      expect(Math.abs(share - wanted)).toBeLessThan((5 * standardError) / size + 0.0015)
    }
  })

  test('behavior: mean and deviation of a mixed book are the exact ones', () => {
    const book = mixedBook(150)
    const { mean, deviation } = exactMoments(book)
    const seen = summariseLosses(simulateLosses(book, { paths: 60_000, seed: 2 }), 0.99)
    expect(Math.abs(seen.expected - mean)).toBeLessThan(4 * seen.standardError)
    expect(Math.abs(seen.deviation / deviation - 1)).toBeLessThan(0.02)
  })

  test('behavior: the same distribution as asking each loan on each path', () => {
    const book = mixedBook(60)
    const paths = 40_000
    const fast = simulateLosses(book, { paths, seed: 3 }).losses.toSorted()
    const random = createRandom(3, 1_000_003)
    const plain = Float64Array.from({ length: paths }, () => {
      const market = random.normal()
      const own = book.clusters.map(() => random.normal())
      return book.loans.reduce((sum, { cluster, pd, lgd, exposure }) => {
        const { correlation = 0, common = 0 } = book.clusters[cluster] ?? {}
        const factor = Math.sqrt(common) * market + Math.sqrt(1 - common) * (own[cluster] ?? 0)
        const value = Math.sqrt(correlation) * factor + Math.sqrt(1 - correlation) * random.normal()
        return normalCdf(value) < pd ? sum + exposure * lgd : sum
      }, 0)
    }).toSorted()
    // Kolmogorov and Smirnov's distance of two samples; 1.95·√(2/n) is passed once in a thousand.
    let [i, j, distance] = [0, 0, 0]
    while (i < paths && j < paths) {
      const at = Math.min(fast[i] ?? 0, plain[j] ?? 0)
      while (i < paths && (fast[i] ?? 0) <= at) i++
      while (j < paths && (plain[j] ?? 0) <= at) j++
      distance = Math.max(distance, Math.abs(i - j) / paths)
    }
    expect(distance).toBeLessThan(1.95 * Math.sqrt(2 / paths))
  })

  test('behavior: losses given default that follow the defaults keep the mean and widen the tail', () => {
    const constant = mixedBook(300)
    const downturn: Book = { ...constant, recovery: 'downturn' }
    const mean = constant.loans.reduce((sum, { exposure, pd, lgd }) => sum + exposure * pd * lgd, 0)
    const narrow = summariseLosses(simulateLosses(constant, { paths: 40_000, seed: 4 }), 0.99)
    const wide = summariseLosses(simulateLosses(downturn, { paths: 40_000, seed: 4 }), 0.99)
    expect(Math.abs(wide.expected - mean)).toBeLessThan(4 * wide.standardError)
    expect(wide.shortfall).toBeGreaterThan(narrow.shortfall * 1.02)
  })

  test('behavior: one common factor falls into each stratum', () => {
    for (const paths of [1, 2, 7, 500, 3000]) {
      const ranks = Array.from(marketFactors(paths, 3), (factor) => Math.floor(normalCdf(factor) * paths))
      expect(ranks.toSorted((a, b) => a - b)).toEqual(Array.from({ length: paths }, (_, at) => at))
    }
  })

  test('behavior: certain and impossible defaults, and no correlation', () => {
    const loans = [
      { cluster: 0, exposure: 10, pd: 1, lgd: 0.5 },
      { cluster: 0, exposure: 20, pd: 0, lgd: 0.5 },
    ]
    for (const recovery of ['constant', 'downturn'] as const)
      for (const correlation of [0, 0.3]) {
        const { losses } = simulateLosses(
          { loans, clusters: oneCluster(correlation), recovery },
          { paths: 700, seed: 1 },
        )
        expect(new Set(losses)).toEqual(new Set([5]))
      }
    const independent = Array.from({ length: 400 }, () => ({ cluster: 0, exposure: 1, pd: 0.1, lgd: 1 }))
    const { deviation } = summariseLosses(
      simulateLosses({ loans: independent, clusters: oneCluster(0) }, { paths: 40_000, seed: 1 }),
      0.99,
    )
    expect(deviation).toBeCloseTo(Math.sqrt(400 * 0.09), 1)
  })

  test('behavior: threads change nothing, seeds do', async () => {
    const book = mixedBook(200, 'downturn')
    const here = simulateLosses(book, { paths: 3_333, seed: 5 })
    for (const threads of [1, 3]) {
      const there = await simulateBook(book, { paths: 3_333, seed: 5, threads })
      expect(Array.from(there.losses)).toEqual(Array.from(here.losses))
      expect(Array.from(there.byCluster)).toEqual(Array.from(here.byCluster))
    }
    expect(simulateLosses(book, { paths: 3_333, seed: 6 }).losses).not.toEqual(here.losses)
  })

  test('behavior: clusters add up to the book, and their parts to its shortfall', () => {
    const simulated = simulateLosses(mixedBook(120), { paths: 2_000, seed: 7 })
    for (let path = 0; path < 2_000; path++) {
      const row = simulated.byCluster.subarray(3 * path, 3 * path + 3)
      expect(row.reduce((sum, loss) => sum + loss, 0)).toBeCloseTo(simulated.losses[path] ?? Number.NaN, 9)
    }
    const { shortfall, contributions, valueAtRisk } = summariseLosses(simulated, 0.95)
    expect(contributions.reduce((sum, part) => sum + part.shortfall, 0)).toBeCloseTo(shortfall, 9)
    expect(shortfall).toBeGreaterThanOrEqual(valueAtRisk)
  })

  test('behavior: the lines of a facility add up to the book’s loss', () => {
    const simulated = simulateLosses(mixedBook(120), { paths: 2_000, seed: 8 })
    const { expected } = summariseLosses(simulated, 0.95)
    fc.assert(
      fc.property(
        fc.double({ min: 1, max: 100, noNaN: true }),
        fc.double({ min: 1, max: 100, noNaN: true }),
        (a, b) => {
          const lines = [
            { attach: 0, detach: a },
            { attach: a, detach: a + b },
            { attach: a + b, detach: 10_000 },
          ].map((line) => trancheLoss(simulated, line))
          expect(lines.reduce((sum, line) => sum + line.expected, 0)).toBeCloseTo(expected, 7)
          expect(lines[0]?.hit ?? 0).toBeGreaterThanOrEqual(lines[1]?.hit ?? 1)
        },
      ),
    )
  })

  test('behavior: a simulation ends when its signal does', async () => {
    const stop = new AbortController()
    const running = simulateBook(mixedBook(3000), {
      paths: 2_000_000,
      seed: 1,
      threads: 2,
      signal: stop.signal,
    })
    stop.abort(new RangeError('enough'))
    await expect(running).rejects.toThrow('enough')
  })

  test('error: ParameterError', async () => {
    const book = mixedBook(3)
    expect(() => simulateLosses(book, { paths: 0, seed: 1 })).toThrow(ParameterError)
    await expect(simulateBook(book, { paths: 10, seed: 1, threads: 0 })).rejects.toThrow(ParameterError)
    const stray = { ...book, loans: [{ cluster: 7, exposure: 1, pd: 0.1, lgd: 0.5 }] }
    expect(() => simulateLosses(stray, { paths: 1, seed: 1 })).toThrow('the index of one of 3 clusters')
    expect(() =>
      summariseLosses(
        { paths: 0, clusters: [], losses: new Float64Array(0), byCluster: new Float64Array(0) },
        0.9,
      ),
    ).toThrow(ParameterError)
    expect(() => trancheLoss(simulateLosses(book, { paths: 1, seed: 1 }), { attach: 2, detach: 1 })).toThrow(
      'above 2',
    )
  })
})
