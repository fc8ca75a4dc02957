import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { RunnerProbe } from '../../src/runners/runner.ts'
import { attempts } from './attempts.ts'
import { buildSupervisor } from './buildSupervisor.ts'
import { type HostCanaries, putCanariesOut } from './hostCanaries.ts'
import type { AttemptOutcome } from './runAttempts.ts'
import { type Finished, taskOf } from './runTask.ts'
import { answerOf, buildHost, startHost } from './startHost.ts'

/** No account of the host: an ordinary user with nothing delegated. */
const USER = 0x6fff_fffe

// Run as an ordinary user, the other suites cover this already.
describe.runIf(process.getuid?.() === 0)('a node that is not root', () => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-user-'))
  chmodSync(folder, 0o755)
  const directory = join(folder, 'jobs')
  let canaries: HostCanaries
  let probe: RunnerProbe
  let outcomes: AttemptOutcome[]
  let harm: string[]
  let finished: Finished[]

  beforeAll(async () => {
    mkdirSync(directory)
    chownSync(directory, USER, USER)
    canaries = await putCanariesOut(folder)
    const [supervisor, host] = [await buildSupervisor(folder), await buildHost(folder)]
    const options = { directory, supervisor }
    const envs = { ...canaries.envs, RUNNER_FOLDER: directory, NEIGHBOUR_FOLDER: join(directory, 'attempts') }
    const attempted = startHost(host, { options, do: 'attempts', envs }, { uid: USER })
    ;({ probe, outcomes } = await answerOf<{ probe: RunnerProbe; outcomes: AttemptOutcome[] }>(attempted))
    harm = await canaries.harm()
    const tasks = [
      taskOf('good', 'id -u; mkdir out; echo made > out/file; exit 3'),
      taskOf('forks', 'for i in $(seq 60); do sleep 9 & done; echo started', { limits: { processes: 24 } }),
      taskOf('memory', `node -e 'const a = []; for (;;) a.push(Buffer.alloc(1 << 20, 1))'; echo survived`, {
        limits: { memoryBytes: 128 << 20 },
      }),
      taskOf(
        'memories',
        `for i in 1 2 3 4; do perl -e '$x = "x" x (60 << 20); sleep 5' & done; wait; echo survived`,
        {
          limits: { memoryBytes: 128 << 20 },
        },
      ),
      taskOf('disk', 'head -c 100M /dev/zero > big'),
      taskOf('inodes', `perl -e 'for (1..5000) { open F, ">", "f$_" or die "$_ $!" }'`, {
        limits: { inodes: 500 },
      }),
      taskOf('late', 'sleep 30', { deadline: Date.now() / 1000 + 1 }),
    ]
    ;({ finished } = await answerOf<{ finished: Finished[] }>(
      startHost(host, { options, do: 'run', tasks }, { uid: USER }),
    ))
  })

  afterAll(async () => {
    await canaries.close()
    rmSync(folder, { recursive: true, force: true, maxRetries: 40, retryDelay: 50 })
  })

  it('says what it can do', () => {
    expect(probe).toMatchObject({
      available: true,
      features: { identity: 'node-user', diskQuota: 'tmpfs', seccomp: true },
    })
  })

  it('runs a job and collects its outputs', () => {
    expect(finished[0]).toMatchObject({
      stdout: '1000\n',
      result: { outcome: 'exited', exitCode: 3, reason: 'exit' },
    })
    expect(finished[0]?.result.outputs?.files.map(({ path }) => path)).toEqual(['out/file'])
  })

  it.each([
    [1, 'forks', { outcome: 'exited' }],
    [2, 'memory', {}],
    [3, 'memories', { outcome: 'killed', reason: 'memory' }],
    [4, 'disk', { outcome: 'exited', reason: 'disk' }],
    [5, 'inodes', { outcome: 'exited', reason: 'disk' }],
    [6, 'deadline', { outcome: 'killed', reason: 'deadline' }],
  ] as const)('holds limits without control groups: %i %s', (index, _name, expected) => {
    const job = finished[index]
    expect(job?.result).toMatchObject(expected)
    expect(job?.result.exitCode).not.toBe(0)
    expect(job?.stdout).not.toMatch(/started|survived/)
  })

  describe('keeps a job from', () => {
    for (const attempt of attempts)
      it(attempt.name, () => {
        const outcome = outcomes.find(({ name }) => name === attempt.name)
        expect(outcome?.exitCode, outcome?.said).toBeGreaterThan(0)
      })

    it('touching any canary of the host', () => {
      expect(harm).toEqual([])
    })
  })
})
