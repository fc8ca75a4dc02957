import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createSandboxRunner } from '../../src/runners/sandbox/sandboxRunner.ts'
import { attempts } from './attempts.ts'
import { buildSupervisor } from './buildSupervisor.ts'
import { type HostCanaries, putCanariesOut } from './hostCanaries.ts'
import { type AttemptOutcome, runInSandbox, runOnHost } from './runAttempts.ts'

const isRoot = process.getuid?.() === 0
const folder = mkdtempSync(join(tmpdir(), 'millrace-escape-'))
// The job of another user must be able to find the canaries: their folder is open.
chmodSync(folder, 0o755)
const supervisor = await buildSupervisor(folder)
const runner = createSandboxRunner({ directory: join(folder, 'jobs'), supervisor })
const bare = createSandboxRunner({ directory: join(folder, 'bare'), supervisor, without: ['seccomp'] })

let canaries: HostCanaries
let inside: AttemptOutcome[]
let insideHarm: string[]
let onHost: AttemptOutcome[]
let hostHarm: string[]
let withoutFilter: AttemptOutcome[]

beforeAll(async () => {
  canaries = await putCanariesOut(folder)
  process.env.NODE_SECRET = 'kept-by-the-node'
  const neighbour = await runner.start({
    id: 'neighbour',
    bundle: null,
    run: 'echo neighbour; sleep 300',
    envs: { NEIGHBOUR_ONLY: 'yes' },
    outputs: [],
    limits: {
      cpus: 1,
      memoryBytes: 64 << 20,
      diskBytes: 1 << 20,
      inodes: 100,
      processes: 16,
      logBytes: 1000,
      outputBytes: 0,
      network: 'none',
    },
    gpus: [],
    deadline: Date.now() / 1000 + 300,
  })
  const envs = {
    ...canaries.envs,
    RUNNER_FOLDER: join(folder, 'jobs'),
    NEIGHBOUR_FOLDER: join(folder, 'jobs', 'neighbour'),
  }
  inside = await runInSandbox(runner, attempts, { id: 'attempts', envs })
  insideHarm = await canaries.harm()
  expect((await neighbour.status()).state).toBe('running')
  onHost = runOnHost(
    attempts.filter(({ control }) => control === 'host' || (control === 'host-as-root' && isRoot)),
    { envs, cwd: mkdtempSync(join(folder, 'control-')) },
  )
  hostHarm = await canaries.harm()
  withoutFilter = await runInSandbox(
    bare,
    attempts.filter(({ control }) => control === 'without-seccomp'),
    { id: 'attempts', envs },
  )
})

afterAll(async () => {
  await runner.sweep(new Set())
  await bare.sweep(new Set())
  await canaries.close()
  rmSync(folder, { recursive: true, force: true, maxRetries: 40, retryDelay: 50 })
})

describe('a job cannot', () => {
  for (const attempt of attempts)
    it(attempt.name, () => {
      const outcome = inside.find(({ name }) => name === attempt.name)
      expect(outcome?.exitCode, outcome?.said).toBeGreaterThan(0)
    })

  it('touch any canary of the host in all of this', () => {
    expect(insideHarm).toEqual([])
  })
})

describe('without the sandbox the same attempt works', () => {
  for (const attempt of attempts) {
    if (attempt.control === null || (attempt.control === 'host-as-root' && !isRoot)) continue
    it(`${attempt.name} (${attempt.control})`, () => {
      const outcome = [...onHost, ...withoutFilter].find(({ name }) => name === attempt.name)
      expect(outcome?.exitCode, outcome?.said).toBe(0)
    })
  }

  it('and the canaries notice', () => {
    expect(hostHarm.join()).toContain('connections')
    expect(hostHarm.join()).toContain('was changed')
    expect(hostHarm.join()).toContain('new-')
  })
})
