import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { detectMachine } from '../detect/index.ts'
import { type BenchmarkProgress, benchmarkMachine } from './benchmarkMachine.ts'

const home = await mkdtemp(join(tmpdir(), 'millrace-benchmark-'))
afterAll(() => rm(home, { recursive: true, maxRetries: 40, retryDelay: 50 }))

test('default: measures, tells what it does, and leaves nothing behind', async () => {
  const machine = { ...(await detectMachine({ home, path: '' })), gpus: [] }
  const said: BenchmarkProgress[] = []
  const result = await benchmarkMachine({
    machine,
    home,
    seconds: 0.01,
    diskBytes: 5_000_000,
    onProgress: (step) => said.push(step),
  })
  expect(result.cpuGflops).toBeGreaterThan(0)
  expect(result.memoryGBps).toBeGreaterThan(0)
  expect(result.diskMBps).toBeGreaterThan(0)
  expect(result).toMatchObject({ gpuTflops: 0, rows: { gpu: 0 } })
  expect(said.map(({ step, state }) => `${step} ${state}`)).toEqual([
    ...['cpu begun', 'cpu done', 'gpu skipped', 'memory begun', 'memory done', 'disk begun', 'disk done'],
  ])
  expect(await readdir(home)).toEqual([])
})

test('behavior: stops when told to', async () => {
  const machine = await detectMachine({ home, path: '' })
  const abort = new AbortController()
  const onProgress = () => abort.abort(new RangeError('enough'))
  await expect(benchmarkMachine({ machine, home, onProgress, signal: abort.signal })).rejects.toThrow(
    'enough',
  )
})
