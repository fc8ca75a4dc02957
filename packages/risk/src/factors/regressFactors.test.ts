import { describe, expect, test } from 'vitest'
import { MatrixError, ParameterError } from '../errors/RiskError.ts'
import { createRandom } from '../maths/random.ts'
import { regressFactors } from './regressFactors.ts'

/** Returns of two factors, with noise whose size follows the first. */
function drawn(seed: number, rows: number) {
  const random = createRandom(seed, 3)
  const factors = Array.from({ length: rows }, () => [random.normal(), 100 * random.normal()])
  const returns = factors.map(
    ([a = 0, b = 0]) => 0.02 + 0.5 * a - 0.003 * b + 0.3 * Math.abs(a) * random.normal(),
  )
  return { factors, returns }
}

describe('regressFactors', () => {
  test('default: what is a line exactly is found exactly', () => {
    const factors = [[1], [2], [4], [7], [11]]
    const returns = factors.map(([x = 0]) => 3 - 2 * x)
    const { alpha, loadings, explained } = regressFactors(returns, { factors })
    expect(alpha.value).toBeCloseTo(3, 9)
    expect(loadings[0]?.value).toBeCloseTo(-2, 9)
    expect(explained).toBeCloseTo(1, 12)
  })

  test('default: the errors are what leaving out each period says (jackknife), to the last digit', () => {
    const { factors, returns } = drawn(1, 25)
    const whole = regressFactors(returns, { factors })
    const without = returns.map((_, out) => {
      const keep = <T>(rows: readonly T[]) => rows.filter((__, at) => at !== out)
      const { alpha, loadings } = regressFactors(keep(returns), { factors: keep(factors) })
      return [alpha, ...loadings].map(({ value }) => value)
    })
    for (const [at, { value, error }] of [whole.alpha, ...whole.loadings].entries()) {
      const sum = without.reduce((total, values) => total + ((values[at] ?? 0) - value) ** 2, 0)
      expect(error / Math.sqrt(sum)).toBeCloseTo(1, 6)
    }
  })

  test('behavior: under uneven noise nineteen of twenty intervals hold the truth; those of even noise do not', () => {
    let [robust, plain] = [0, 0]
    const runs = 400
    for (let seed = 0; seed < runs; seed++) {
      const { factors, returns } = drawn(seed, 60)
      const { loadings, residuals } = regressFactors(returns, { factors })
      const [first] = loadings
      if (first === undefined) throw new RangeError('no loading')
      const miss = Math.abs(first.value - 0.5)
      if (miss < 2 * first.error) robust++
      const noise = Math.sqrt(residuals.reduce((sum, value) => sum + value ** 2, 0) / 57)
      if (miss < (2 * noise) / Math.sqrt(60)) plain++
    }
    expect(robust / runs).toBeGreaterThan(0.92)
    expect(plain / runs).toBeLessThan(0.9)
  })

  test('behavior: noise that goes on for periods makes errors wider with lags', () => {
    const random = createRandom(5, 0)
    let [noise, factor] = [0, 0]
    const rows = Array.from({ length: 200 }, () => {
      noise = 0.8 * noise + random.normal()
      factor = 0.8 * factor + random.normal()
      return { factor, value: factor + noise }
    })
    const returns = rows.map(({ value }) => value)
    const factors = rows.map((row) => [row.factor])
    const narrow = regressFactors(returns, { factors }).loadings[0]
    const wide = regressFactors(returns, { factors, lags: 8 }).loadings[0]
    expect(wide?.value).toBe(narrow?.value)
    expect(wide?.error).toBeGreaterThan(1.4 * (narrow?.error ?? 0))
  })

  test('behavior: the partial share is what leaving the factor out takes from what is explained', () => {
    const { factors, returns } = drawn(9, 40)
    const whole = regressFactors(returns, { factors })
    const alone = regressFactors(returns, { factors: factors.map(([a = 0]) => [a]) })
    const lost = (1 - alone.explained - (1 - whole.explained)) / (1 - alone.explained)
    expect(whole.loadings[1]?.partial).toBeCloseTo(lost, 9)
    // The unit of a factor changes nothing but the unit of its loading.
    const scaled = regressFactors(returns, { factors: factors.map(([a = 0, b = 0]) => [a, 1e6 * b]) })
    expect(scaled.loadings[1]?.t).toBeCloseTo(whole.loadings[1]?.t ?? 0, 6)
    expect((scaled.loadings[1]?.value ?? 0) * 1e6).toBeCloseTo(whole.loadings[1]?.value ?? 0, 9)
  })

  test('error: MatrixError, ParameterError', () => {
    const returns = [1, 2, 3, 4, 5]
    expect(() => regressFactors(returns, { factors: [[1], [1], [1], [1], [1]] })).toThrow(MatrixError)
    expect(() => regressFactors(returns, { factors: [1, 2, 3, 4, 6].map((x) => [x, 2 * x]) })).toThrow(
      'already tell',
    )
    expect(() => regressFactors(returns, { factors: [[1], [2]] })).toThrow(ParameterError)
    expect(() => regressFactors([1, 2, 3], { factors: [[1], [2], [4]] })).toThrow('at least 4')
    expect(() => regressFactors(returns, { factors: [[1], [2], [3], [4], []] })).toThrow(MatrixError)
    expect(() => regressFactors(returns, { factors: [[1], [2], [3], [4], [9]], lags: -1 })).toThrow(
      ParameterError,
    )
  })
})
