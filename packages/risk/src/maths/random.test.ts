import { expect, test } from 'vitest'
import { createRandom } from './random.ts'

test('default: a seed repeats, seeds and streams differ', () => {
  const take = (seed: number, stream: number) => {
    const random = createRandom(seed, stream)
    return Array.from({ length: 8 }, () => random.word())
  }
  expect(take(1, 2)).toEqual(take(1, 2))
  const all = [take(1, 2), take(2, 1), take(0, 0), take(0, 1), take(1, 0), take(-1, 0)].map(String)
  expect(new Set(all).size).toBe(all.length)
})

test('behavior: neighbouring streams are unrelated', () => {
  let product = 0
  const n = 100_000
  for (let stream = 0; stream < n; stream++)
    product += (createRandom(7, stream).uniform() - 0.5) * (createRandom(7, stream + 1).uniform() - 0.5)
  // Five standard errors of a mean of products of independent uniforms, each of variance 1/144.
  expect(Math.abs(product / n)).toBeLessThan(5 / 12 / Math.sqrt(n))
})

test('behavior: moments of uniforms and normals', () => {
  const random = createRandom(3, 3)
  const n = 400_000
  const sums = [0, 0, 0, 0, 0]
  let uniform = 0
  for (let i = 0; i < n; i++) {
    uniform += random.uniform()
    const x = random.normal()
    for (let power = 1; power <= 4; power++) sums[power] = (sums[power] ?? 0) + x ** power
  }
  const near = (seen: number, wanted: number, variance: number) =>
    expect(Math.abs(seen / n - wanted)).toBeLessThan(5 * Math.sqrt(variance / n))
  near(uniform, 0.5, 1 / 12)
  near(sums[1] ?? 0, 0, 1)
  near(sums[2] ?? 0, 1, 2)
  near(sums[3] ?? 0, 0, 15)
  near(sums[4] ?? 0, 3, 96)
})
