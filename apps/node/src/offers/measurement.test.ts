import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Spec } from '@millrace/sdk'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { detectMachine, type Machine } from '../detect/index.ts'
import { readMeasurement, withMeasurement, writeMeasurement } from './measurement.ts'

let folder: string
let machine: Machine
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'measurement-'))
  machine = { ...(await detectMachine({ home: folder, python: false })), cpus: 8, gpus: [] }
})
afterAll(() => rm(folder, { recursive: true, force: true, maxRetries: 40, retryDelay: 50 }))

const benchmark = {
  ...{ cpuGflops: 80.19, gpuTflops: 0, memoryGBps: 10, diskMBps: 100, rows: { cpu: 2048, gpu: 0 }, at: 1000 },
}
const spec = { cpus: 2, gpus: [] as Spec['gpus'] } as Spec

test('default: a slot offers its share of what was measured', async () => {
  const path = join(folder, 'kept.json')
  await writeMeasurement(path, { machine, benchmark })
  const measurement = await readMeasurement(path, machine)
  expect(withMeasurement(spec, measurement).measured).toEqual({ cpuGflops: 20, gpuTflops: 0, at: 1000 })
})

test('behavior: without a measurement of this very machine nothing is claimed', async () => {
  const path = join(folder, 'other.json')
  expect(await readMeasurement(path, machine)).toBeNull()
  await writeMeasurement(path, { machine, benchmark })
  expect(await readMeasurement(path, { ...machine, cpus: 4 })).toBeNull()
  await writeFile(path, '{')
  expect(await readMeasurement(path, machine)).toBeNull()
  expect(withMeasurement(spec, null)).toBe(spec)
})
