import { describe, expect, test } from 'vitest'
import type { ChallengeResult } from './challengeMachine.ts'
import { compareClaim } from './compareClaim.ts'

const passed: ChallengeResult = {
  passed: true,
  gflops: 40,
  ms: 430,
  residual: 0.1,
  reasons: [],
  missedShare: 0.109,
  n: 2048,
  device: 'cpu',
  units: [{ name: 'AMD EPYC', uuid: null }],
  engine: 'wasm',
}
const gpu = (uuid: string) => ({ name: 'H100', memoryMiB: 81559, uuid, driver: '580.1' })
const claim = (cpuGflops: number, gpuTflops = 0) => ({ gpus: [], measured: { cpuGflops, gpuTflops, at: 1 } })

describe('compareClaim', () => {
  test('default: met', () => {
    expect(compareClaim(claim(41.2), passed)).toMatchObject({
      type: 'met',
      text: 'Measured 40.0 GFLOPS, 97 % of the 41.2 GFLOPS it claims.',
    })
  })

  test('behavior: a machine that claims more than it delivers is said to', () => {
    const verdict = compareClaim(claim(400), passed)
    expect(verdict).toMatchObject({ type: 'below', claimed: 400, measured: 40, ratio: 0.1 })
    expect(verdict.text).toBe(
      'The machine claims more than it delivers: measured 40.0 GFLOPS, 10 % of the 400.0 GFLOPS it claims.',
    )
  })

  test('behavior: no claim', () => {
    expect(compareClaim({ gpus: [] }, passed).type).toBe('unclaimed')
    expect(compareClaim(claim(0), passed).text).toBe('Measured 40.0 GFLOPS; the offer claims no rate.')
  })

  test('behavior: not proven', () => {
    const failed = {
      ...passed,
      passed: false,
      reasons: [{ code: 'ROW_WRONG', message: 'Row 3 of C is not the row of A·B.' }],
    }
    expect(compareClaim(claim(40), failed)).toEqual({
      type: 'unproven',
      text: 'The machine did not prove its work. Row 3 of C is not the row of A·B.',
    })
  })

  test('behavior: GPUs count by those that answered, and only those that were offered', () => {
    const spec = { gpus: [gpu('GPU-1'), gpu('GPU-2')], measured: { cpuGflops: 1, gpuTflops: 100, at: 1 } }
    const one = {
      ...passed,
      device: 'gpu' as const,
      gflops: 48_000,
      units: [{ name: 'H100', uuid: 'GPU-1' }],
    }
    expect(compareClaim(spec, one)).toMatchObject({ type: 'met', claimed: 50_000, ratio: 0.96 })
    const foreign = { ...one, units: [{ name: 'H100', uuid: 'GPU-9' }] }
    expect(compareClaim(spec, foreign)).toMatchObject({
      type: 'unproven',
      text: 'GPU "GPU-9" answered, which is not among those offered.',
    })
  })
})
