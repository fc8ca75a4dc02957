import type { Hex } from 'viem'
import { describe, expect, test } from 'vitest'
import { MillraceError } from '../errors/MillraceError.ts'
import { type ChallengeSession, challengeMachine } from './challengeMachine.ts'
import { checkVectors, createExpander } from './createExpander.ts'
import { ChallengeSizeError } from './errors.ts'
import { vectorCount } from './generator.ts'
import { multiplyPlainly, type ProverSteps, referenceProver } from './referenceProver.ts'

const n = 512

/** Repeatable "random" bytes, so that each run draws the same seeds and rows. */
function bytesFrom(start: number): (length: number) => Uint8Array {
  let counter = start
  return (length) =>
    Uint8Array.from({ length }, () => {
      counter = (Math.imul(counter, 1_664_525) + 1_013_904_223) >>> 0
      return counter >>> 24
    })
}

const challenge = (cheat: Partial<ProverSteps>, options = {}) =>
  challengeMachine(referenceProver(cheat), { n, random: bytesFrom(7), ...options })
const codes = (reasons: readonly { code: string }[]) => [...new Set(reasons.map(({ code }) => code))].sort()

/** A·(B·r): all that a machine can know of C in n² operations once it has r. */
async function shortcut(seed: Hex, r: Hex): Promise<Float64Array> {
  const expander = await createExpander({ n, seed, unit: 0 })
  expander.setVectors(checkVectors(r, n))
  const inner = new Float64Array(vectorCount * n)
  for (let i = 0; i < n; i++) {
    for (const [t, value] of expander.rowTimes('b', i).entries()) inner[t * n + i] = value
  }
  expander.setVectors(inner)
  const out = new Float64Array(vectorCount * n)
  for (let i = 0; i < n; i++) out.set(expander.rowTimes('a', i), vectorCount * i)
  return out
}

describe('challengeMachine', () => {
  test('default: an honest machine passes, at the rate the clock says', async () => {
    const times = [1000, 1500]
    const result = await challenge({}, { clock: () => times.shift() ?? 0 })
    expect(result).toMatchObject({ passed: true, ms: 500, reasons: [], n, device: 'cpu', engine: 'plain' })
    expect(result.gflops).toBeCloseTo((2 * n ** 3) / 0.5 / 1e9, 6)
    expect(result.residual).toBeLessThan(0.75)
    expect(result.units).toEqual([{ name: 'plain', uuid: null }])
  })

  test('behavior: honest machines pass for every seed', async () => {
    for (let start = 0; start < 6; start++) {
      const result = await challenge({}, { random: bytesFrom(start) })
      expect(result.reasons).toEqual([])
    }
  })

  test('behavior: seeds, r and rows are fresh each time', async () => {
    const seen: string[] = []
    const prover = referenceProver({ multiply: (_, size) => new Float32Array(size * size) })
    const session: ChallengeSession = {
      request: (method, params) => {
        if (params.seed !== undefined) seen.push(String(params.seed))
        if (params.r !== undefined) seen.push(String(params.r), JSON.stringify(params.rows))
        return prover.request(method, params)
      },
    }
    for (let i = 0; i < 3; i++) await challengeMachine(session, { n })
    // 512 rows and four vectors are less than one piece, so each reveal is asked for once or a few times with the same.
    expect(new Set(seen).size).toBe(9)
  })

  test('error: ChallengeSizeError', async () => {
    for (const size of [0, 64, 448, 513, 65_600, Number.NaN]) {
      await expect(challengeMachine(referenceProver(), { n: size })).rejects.toThrow(ChallengeSizeError)
    }
    await expect(challengeMachine(referenceProver(), { n, openings: 0 })).rejects.toThrow(ChallengeSizeError)
    await expect(challengeMachine(referenceProver(), { n, openings: 257 })).rejects.toThrow(
      ChallengeSizeError,
    )
  })
})

describe('attack', () => {
  const zeros = () => new Float32Array(n * n)

  test('skips the product and answers A(Br) once it knows r', async () => {
    let product: Float64Array = new Float64Array()
    const prover = referenceProver({ multiply: zeros, answer: (c) => ({ product, opened: c }) })
    const session: ChallengeSession = {
      request: async (method, params) => {
        if (method === 'challenge.begin') seed = params.seed as Hex
        else if (params.offset === 0) product = await shortcut(seed, params.r as Hex)
        return prover.request(method, params)
      },
    }
    let seed: Hex = '0x'
    const result = await challengeMachine(session, { n, random: bytesFrom(1) })
    // C·r itself is right; only the openings show that there is no C.
    expect(codes(result.reasons)).toEqual(['ROW_WRONG'])
    expect(result).toMatchObject({ passed: false, gflops: 0 })
  })

  test('commits to noise and computes the opened rows after the reveal', async () => {
    const noise = zeros().map((_, i) => Math.fround(Math.sin(i)))
    const result = await challenge({ commit: () => noise })
    expect(codes(result.reasons)).toEqual(['ROW_NOT_COMMITTED'])
  })

  test('falsifies a fifth of the rows', async () => {
    const result = await challenge({
      multiply: (seed, size) => multiplyPlainly(seed, size).map((value, i) => ((i / n) % 5 < 1 ? 0 : value)),
    })
    expect(codes(result.reasons)).toEqual(['PRODUCT_WRONG', 'ROW_WRONG'])
  })

  test('falsifies a fifth of the rows and hides it in C·r', async () => {
    let right: Float32Array = new Float32Array()
    const result = await challenge({
      multiply: (seed, size) => {
        right = multiplyPlainly(seed, size)
        return right.map((value, i) => ((i / n) % 5 < 1 ? 0 : value))
      },
      answer: (c, { r }) => {
        const vectors = checkVectors(r, n)
        const product = new Float64Array(vectorCount * n)
        for (let i = 0; i < n; i++) {
          for (let t = 0; t < vectorCount; t++) {
            for (let k = 0; k < n; k++) {
              const at = vectorCount * i + t
              product[at] = (product[at] ?? 0) + (right[i * n + k] ?? 0) * (vectors[t * n + k] ?? 0)
            }
          }
        }
        return { product, opened: c }
      },
    })
    expect(codes(result.reasons)).toEqual(['ROW_WRONG'])
  })

  test('one wrong entry of a faulty machine is found wherever it lies', async () => {
    for (const place of [0, 12_345, n * n - 1]) {
      const result = await challenge({
        multiply: (seed, size) =>
          multiplyPlainly(seed, size).map((value, i) => (i === place ? value + 1 : value)),
      })
      expect(codes(result.reasons)).toContain('PRODUCT_WRONG')
      expect(result.reasons[0]?.message).toBe(
        `C·r is wrong in 1 of ${n} rows, first in row ${Math.floor(place / n)}.`,
      )
    }
  })

  test('answers with the product of an old seed', async () => {
    const old: Hex = `0x${'01'.repeat(32)}`
    const result = await challenge({ multiply: (_, size) => multiplyPlainly(old, size) })
    expect(codes(result.reasons)).toEqual(['PRODUCT_WRONG', 'ROW_WRONG'])
  })

  test('keeps the product of its first challenge for the next ones', async () => {
    const kept = new Map<number, Float32Array>()
    const prover = referenceProver({
      multiply: (seed, size) => {
        const c = kept.get(size) ?? multiplyPlainly(seed, size)
        kept.set(size, c)
        return c
      },
    })
    expect((await challengeMachine(prover, { n, random: bytesFrom(1) })).passed).toBe(true)
    expect((await challengeMachine(prover, { n, random: bytesFrom(2) })).passed).toBe(false)
  })

  test('multiplies smaller matrices and pads', async () => {
    const half = n / 2
    const result = await challenge({
      multiply: (seed, size) => {
        const small = multiplyPlainly(seed, half)
        return zeros().map((_, i) =>
          i % size < half && i < half * size ? (small[Math.floor(i / size) * half + (i % size)] ?? 0) : 0,
        )
      },
    })
    expect(codes(result.reasons)).toEqual(['PRODUCT_WRONG', 'ROW_WRONG'])
  })

  test('adds up in 16 bits, within what looks like rounding', async () => {
    const result = await challenge({
      multiply: (seed, size) => multiplyPlainly(seed, size).map((value) => Math.round(value * 1024) / 1024),
    })
    expect(codes(result.reasons)).toEqual(['PRODUCT_WRONG', 'ROW_WRONG'])
  })

  test('answers not-a-numbers and infinities, which no comparison refuses by itself', async () => {
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY]) {
      const result = await challenge({ multiply: () => zeros().fill(value) })
      expect(codes(result.reasons)).toEqual(['PRODUCT_WRONG', 'ROW_WRONG'])
      expect(result.residual).toBe(Number.POSITIVE_INFINITY)
    }
  })

  test('sends too little, too much, nothing, or never ends', async () => {
    for (const reveal of [
      (bytes: Uint8Array) => bytes.subarray(0, -1),
      (bytes: Uint8Array) => new Uint8Array(bytes.length + 1),
      () => new Uint8Array(),
    ]) {
      const result = await challenge({ multiply: zeros, reveal })
      expect(codes(result.reasons)).toEqual(['SIZE'])
    }
  })

  test('answers in another form, with more units than asked for, or twice the same GPU', async () => {
    const form = await challenge({ multiply: zeros, begin: () => ({ root: 1 }) })
    expect(codes(form.reasons)).toEqual(['ANSWER'])
    const unit = { name: 'H100', uuid: 'GPU-1', root: `0x${'00'.repeat(32)}` }
    const begin = (result: Record<string, unknown>) => ({ ...result, units: [unit, unit] })
    expect(codes((await challenge({ multiply: zeros, begin })).reasons)).toEqual(['UNITS'])
    const twice = await challenge({ multiply: zeros, begin }, { device: 'gpu', gpus: 2 })
    expect(codes(twice.reasons)).toEqual(['UNITS'])
  })

  test('does not answer: the error of machine or session is the reason', async () => {
    const session: ChallengeSession = {
      request: async () => {
        throw new MillraceError({ code: 'SESSION_TIMEOUT', message: 'No answer.' })
      },
    }
    const result = await challengeMachine(session, { n })
    expect(result).toMatchObject({
      passed: false,
      gflops: 0,
      reasons: [{ code: 'SESSION_TIMEOUT', message: 'No answer.' }],
    })
  })
})

test('behavior: what is no fault of the machine is thrown', async () => {
  const session: ChallengeSession = {
    request: async () => {
      throw new RangeError('a bug')
    },
  }
  await expect(challengeMachine(session, { n })).rejects.toThrow(RangeError)
})
