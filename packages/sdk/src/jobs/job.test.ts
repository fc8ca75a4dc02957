import { zeroHash } from 'viem'
import { describe, expect, test } from 'vitest'
import { parse } from '../border/parse.ts'
import { InvalidInputError } from '../errors/border.ts'
import { hashJob, jobSchema } from './job.ts'

const json = {
  version: 1,
  name: 'train',
  run: 'node train.mjs',
  envs: { STEPS: '10' },
  resources: { cpus: 1, memoryMiB: 1024, diskMiB: 1024, gpus: 0, network: 'none' },
}

describe('default', () => {
  test('outputs default to out/**; the hash does not depend on the order of members, but on everything else', () => {
    const job = parse(jobSchema, json, 'job')
    expect(job.outputs).toEqual(['out/**'])
    const { name, ...rest } = job
    expect(hashJob({ ...rest, name }, null)).toBe(hashJob(job, null))
    const others = [
      hashJob(job, zeroHash),
      hashJob({ ...job, run: 'node other.mjs' }, null),
      hashJob({ ...job, timeout: 1 }, null),
      hashJob({ ...job, envs: { STEPS: '11' } }, null),
    ]
    expect(new Set([hashJob(job, null), ...others]).size).toBe(others.length + 1)
  })
})

describe('error: InvalidInputError', () => {
  test('for unknown fields, bad names and empty scripts', () => {
    for (const wrong of [
      { ...json, image: 'x' },
      { ...json, run: '' },
      { ...json, envs: { 'A-B': '1' } },
      { ...json, envs: { '': '1' } },
      { ...json, resources: { ...json.resources, cpus: 0 } },
      { ...json, version: 2 },
      { ...json, timeout: 0 },
    ])
      expect(() => parse(jobSchema, wrong, 'job')).toThrow(InvalidInputError)
  })
})
