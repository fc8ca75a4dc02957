import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { verifyOpening } from '@millrace/sdk/challenge'
import { bytesToHex } from 'viem'
import { afterAll, describe, expect, test } from 'vitest'
import { cpuLayout, mostBytes, mostRows } from './cpuLayout.ts'
import { gpuEngine } from './engines.ts'
import { ChallengeFailedError } from './errors.ts'
import { multiplyInPython } from './multiplyInPython.ts'
import { multiplyOnCpu } from './multiplyOnCpu.ts'
import type { Engine } from './product.ts'

const never = new AbortController().signal
const folder = await mkdtemp(join(tmpdir(), 'millrace-engines-'))
afterAll(() => rm(folder, { recursive: true, maxRetries: 40, retryDelay: 50 }))

async function prove(engine: Engine, n: number) {
  const [seed, r] = [bytesToHex(randomBytes(32)), bytesToHex(randomBytes(32))]
  const rows = [0, n - 1, Math.floor(n / 3)]
  const product = await engine({ n, seed }, never)
  const [unit] = product.units
  const body = await product.open(r, rows)
  await product.close()
  await product.close()
  return verifyOpening({ n, seed, unit: 0, root: unit?.root ?? '0x', r, rows, body })
}

/** A program that stands in for Python. */
async function fakePython(name: string, script: string): Promise<string> {
  const path = join(folder, name)
  await writeFile(path, `#!/bin/sh\n${script}\n`)
  await chmod(path, 0o755)
  return path
}

describe('multiplyOnCpu', () => {
  // Sizes that are no multiple of the kernel's depth, and more and fewer threads than blocks.
  test.each([
    [512, 1],
    [576, 2],
    [640, 3],
    [832, 2],
    [1024, 2],
    [512, 64],
  ])('behavior: proves %i rows on %i threads', async (n, threads) => {
    for (let i = 0; i < 3; i++) {
      const { problems, residual } = await prove(multiplyOnCpu({ threads, name: 'cpu' }), n)
      expect(problems).toEqual([])
      expect(residual).toBeLessThan(0.75)
    }
  })

  test('behavior: an aborted product rejects with the reason', async () => {
    const engine = multiplyOnCpu({ threads: 2, name: 'cpu' })
    const abort = new AbortController()
    const running = engine({ n: 4096, seed: bytesToHex(randomBytes(32)) }, abort.signal)
    abort.abort(new RangeError('enough'))
    await expect(running).rejects.toThrow('enough')
  })
})

describe('mostRows', () => {
  test('behavior: the largest that fits', () => {
    for (const bytes of [2 ** 22, 2 ** 28, 2 ** 31, 2 ** 40]) {
      const n = mostRows(bytes, 4)
      expect(n % 64).toBe(0)
      expect(cpuLayout(n, 4).size).toBeLessThanOrEqual(Math.min(bytes, mostBytes))
      expect(cpuLayout(n + 64, 4).size).toBeGreaterThan(Math.min(bytes, mostBytes))
    }
    expect(mostRows(1000, 1)).toBe(0)
  })
})

const hasNumpy = (() => {
  try {
    execFileSync('python3', ['-I', '-c', 'import numpy'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
})()

describe('multiplyInPython', () => {
  const units = [{ name: 'cpu', uuid: null }]

  test.skipIf(!hasNumpy)(
    'behavior: the same generator and tree in Python (needs python3 with NumPy)',
    async () => {
      for (const n of [512, 832]) {
        const { problems, residual } = await prove(
          multiplyInPython({ engine: 'numpy', units, threads: 2 }),
          n,
        )
        expect(problems).toEqual([])
        expect(residual).toBeLessThan(0.75)
      }
    },
  )

  test('behavior: binds the process to the GPUs by UUID and names them by it', async () => {
    const root = `0x${'ab'.repeat(32)}`
    const answer = JSON.stringify([
      { name: 'X', root },
      { name: 'Y', root },
    ])
    const python = await fakePython(
      'binds',
      `echo "$CUDA_VISIBLE_DEVICES $4 $5 $7" > ${folder}/asked; echo '${answer}'; read line`,
    )
    const gpus = ['GPU-1', 'GPU-2'].map((uuid) => ({ name: 'H100', uuid }))
    const engine = multiplyInPython({ engine: 'torch', python, units: gpus })
    const product = await engine({ n: 512, seed: bytesToHex(randomBytes(32)) }, never)
    expect(await readFile(join(folder, 'asked'), 'utf8')).toBe('GPU-1,GPU-2 torch 512 2\n')
    expect(product.units.map(({ uuid }) => uuid)).toEqual(['GPU-1', 'GPU-2'])
    await product.close()
  })

  test('error: ChallengeFailedError', async () => {
    const task = { n: 512, seed: bytesToHex(randomBytes(32)) }
    const missing = multiplyInPython({ engine: 'torch', python: join(folder, 'no-python'), units })
    await expect(missing(task, never)).rejects.toThrow(ChallengeFailedError)
    const fails = multiplyInPython({
      engine: 'torch',
      python: await fakePython('fails', 'echo "CUDA error: out of memory" >&2; exit 1'),
      units,
    })
    await expect(fails(task, never)).rejects.toThrow(
      'The product could not be computed: Python ended: CUDA error: out of memory.',
    )
    const babbles = multiplyInPython({
      engine: 'torch',
      python: await fakePython('babbles', 'echo hello; read line'),
      units,
    })
    await expect(babbles(task, never)).rejects.toThrow('Python answered in another form')
  })

  test('behavior: an aborted product ends the process and rejects with the reason', async () => {
    const python = await fakePython('sleeps', 'exec sleep 600')
    const abort = new AbortController()
    const engine = multiplyInPython({ engine: 'torch', python, units })
    const running = engine({ n: 512, seed: bytesToHex(randomBytes(32)) }, abort.signal)
    abort.abort(new RangeError('enough'))
    await expect(running).rejects.toThrow('enough')
  })
})

describe('gpuEngine', () => {
  const gpu = {
    index: 0,
    name: 'H100',
    model: 'NVIDIA H100',
    uuid: 'GPU-1',
    memoryMiB: 81559,
    driver: '580',
    bus: '0',
  }
  const python = { version: '3.11', numpy: null, torch: '2.4', cudaDevices: 1 }

  test('default: as many as PyTorch can use, sized to their memory', () => {
    expect(gpuEngine({ gpus: [gpu], python })).toMatchObject({ count: 1, mostRows: 65_536 })
    const small = { ...gpu, memoryMiB: 8192 }
    const engine = gpuEngine({ gpus: [gpu, small], python: { ...python, cudaDevices: 2 } })
    expect(engine).toMatchObject({ count: 2, mostRows: 24_640 })
  })

  test('behavior: none without a GPU, PyTorch or CUDA', () => {
    expect(gpuEngine({ gpus: [], python })).toBeNull()
    expect(gpuEngine({ gpus: [gpu], python: null })).toBeNull()
    expect(gpuEngine({ gpus: [gpu], python: { ...python, torch: null } })).toBeNull()
    expect(gpuEngine({ gpus: [gpu], python: { ...python, cudaDevices: 0 } })).toBeNull()
  })
})
