import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { finish, finishJob, taskOf } from '../../../test/escape/runTask.ts'
import {
  EnvironmentRefusedError,
  GpuNotFoundError,
  NetworkUnavailableError,
  TaskInvalidError,
} from '../errors.ts'
import type { Runner } from '../runner.ts'
import { gpuDevices } from './gpuDevices.ts'
import { createSandboxRunner } from './sandboxRunner.ts'

let folder: string
let runner: Runner
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-runner-'))
  // From source, as a developer runs it.
  runner = createSandboxRunner({ directory: join(folder, 'jobs') })
})
afterAll(async () => {
  await runner.sweep(new Set())
  rmSync(folder, { recursive: true, force: true, maxRetries: 40, retryDelay: 50 })
})

describe('probe', () => {
  it('default: says what protects a job here', async () => {
    expect(await runner.probe()).toMatchObject({ available: true, features: { seccomp: true } })
  })
})

describe('start', () => {
  it('default: setup, run, log, outputs', async () => {
    const script =
      'echo "$GREETING from $(hostname)"; echo oops >&2; node -p "1 + 1"; mkdir out; mv made out/'
    const { result, stdout, stderr } = await finish(
      runner,
      taskOf('whole', script, { setup: 'echo setting up; echo x > made', envs: { GREETING: 'hello' } }),
    )
    expect(stdout).toBe('setting up\nhello from job\n2\n')
    expect(stderr).toBe('oops\n')
    expect(result).toMatchObject({
      outcome: 'exited',
      exitCode: 0,
      signal: null,
      reason: 'exit',
      message: null,
    })
    expect(result.outputs?.files.map(({ path }) => path)).toEqual(['out/made'])
    expect(result.endedAt).toBeGreaterThan(result.startedAt)
    expect(result.log.size).toBe((stdout + stderr).length)
  })

  it('behavior: the exit code is the script’s, and -e holds', async () => {
    const { result, stdout } = await finish(runner, taskOf('code', 'echo one; (exit 42); echo two'))
    expect(stdout).toBe('one\n')
    expect(result).toMatchObject({ outcome: 'exited', exitCode: 42, reason: 'exit' })
  })

  it('behavior: a failing setup ends the job before run', async () => {
    const { result, stdout } = await finish(
      runner,
      taskOf('setup', 'echo ran', { setup: 'echo set; exit 5' }),
    )
    expect(stdout).toBe('set\n')
    expect(result).toMatchObject({ outcome: 'exited', exitCode: 5 })
  })

  it('behavior: a second start of the same id is the same job', async () => {
    const task = taskOf('twice', 'echo ran')
    const [first, second] = await Promise.all([
      runner.start(task),
      runner.start({ ...task, run: 'echo other' }),
    ])
    expect((await finishJob(first)).stdout).toBe('ran\n')
    expect((await finishJob(second)).stdout).toBe('ran\n')
    expect((await finish(runner, task)).stdout).toBe('ran\n')
  })

  it('behavior: a deadline that has passed runs nothing', async () => {
    const { result, stdout } = await finish(
      runner,
      taskOf('past', 'echo ran', { deadline: Date.now() / 1000 - 1 }),
    )
    expect(stdout).toBe('')
    expect(result).toMatchObject({ outcome: 'killed', reason: 'deadline', outputs: null })
  })

  it('behavior: outputs of a job that was killed are kept', async () => {
    const job = await runner.start(taskOf('checkpoint', 'mkdir out; echo step > out/1; echo up; sleep 60'))
    for await (const { bytes } of job.readLog({ from: 0, follow: true }))
      if (Buffer.from(bytes).includes('up')) break
    await job.stop('The buyer stopped it.')
    expect(await job.done).toMatchObject({
      outcome: 'killed',
      reason: 'stopped',
      message: 'The buyer stopped it.',
      outputs: { files: [{ path: 'out/1' }] },
    })
    expect(await job.status()).toMatchObject({ state: 'ended' })
  })

  it('behavior: a later deadline lets a job go on', async () => {
    const job = await runner.start(taskOf('extended', 'sleep 3; echo late'))
    await job.setDeadline(Date.now() / 1000 + 2)
    await job.setDeadline(Date.now() / 1000 + 60)
    expect((await finishJob(job)).stdout).toBe('late\n')
  })

  it('behavior: the log can be read from any byte', async () => {
    const { result } = await finish(runner, taskOf('offsets', 'echo 0123456789'))
    const job = await runner.attach('offsets')
    let text = ''
    for await (const { bytes } of job?.readLog({ from: 5, follow: false }) ?? []) text += Buffer.from(bytes)
    expect(text).toBe('56789\n')
    expect(result.log.size).toBe(11)
  })

  it('behavior: stdout can be opened again by name', async () => {
    const { stdout } = await finish(
      runner,
      taskOf('reopen', 'echo named > /dev/stdout; echo x | tee /dev/stderr'),
    )
    expect(stdout).toBe('named\nx\n')
  })

  it.each([
    ['id', taskOf('../up', 'true')],
    ['id', taskOf('', 'true')],
    ['run', taskOf('zero', 'a\0b')],
    ['limits.memoryBytes', taskOf('small', 'true', { limits: { memoryBytes: 1 } })],
    ['limits.cpus', taskOf('nan', 'true', { limits: { cpus: Number.NaN } })],
    ['limits.processes', taskOf('half', 'true', { limits: { processes: 1.5 } })],
    ['deadline', taskOf('never', 'true', { deadline: Number.POSITIVE_INFINITY })],
  ])('error: TaskInvalidError for %s', async (field, task) => {
    await expect(runner.start(task)).rejects.toMatchObject({ code: 'TASK_INVALID', field })
    await expect(runner.start(task)).rejects.toThrow(TaskInvalidError)
  })

  it.each([
    'LD_PRELOAD',
    'LD_LIBRARY_PATH',
    'LD_AUDIT',
    'GLIBC_TUNABLES',
    'GCONV_PATH',
    'NODE_OPTIONS',
    'BASH_ENV',
    'ENV',
    'PERL5OPT',
    'NVIDIA_VISIBLE_DEVICES',
    'NVIDIA_DRIVER_CAPABILITIES',
    'DOCKER_HOST',
    'MILLRACE_HOME',
    'BASH_FUNC_ls%%',
    'A=B',
    '',
  ])('error: EnvironmentRefusedError for %s', async (name) => {
    const refused = runner.start(
      taskOf('environment', 'true', { envs: { GOOD: '1', [name]: '/job/evil.so' } }),
    )
    await expect(refused).rejects.toMatchObject({ code: 'ENVIRONMENT_REFUSED', names: [name] })
    await expect(refused).rejects.toThrow(EnvironmentRefusedError)
    expect(await runner.attach('environment')).toBeNull()
  })

  it('error: GpuNotFoundError', async () => {
    await expect(runner.start(taskOf('gpu', 'true', { gpus: ['GPU-none'] }))).rejects.toThrow(
      GpuNotFoundError,
    )
    expect(await runner.attach('gpu')).toBeNull()
  })
})

describe('network "public"', () => {
  it('reaches neither this host, nor private, link-local or metadata addresses', async ({ skip }) => {
    const probe = await runner.probe()
    if (!probe.available || probe.features.network === 'none') {
      const refused = runner.start(taskOf('no-network', 'true', { limits: { network: 'public' } }))
      await expect(refused).rejects.toThrow(NetworkUnavailableError)
      return skip('no user-mode network stack is installed')
    }
    const targets = [
      '127.0.0.1',
      '10.0.2.2',
      '10.0.2.3',
      '10.1.2.3',
      '100.64.0.1',
      '169.254.169.254',
      '172.16.0.1',
      '192.168.0.1',
      'fe80::1',
      'fd00::2',
      '::1',
    ]
    const script = `node -e '
      const net = require("node:net")
      for (const host of process.argv.slice(1)) {
        const socket = net.connect({ host, port: 80 })
        socket.setTimeout(1500, () => socket.destroy())
        socket.on("error", () => {})
        socket.on("connect", () => { console.log("reached", host); socket.destroy() })
      }' ${targets.join(' ')}; ip link show tap0 | grep -o "state UNKNOWN"; ip route del unreachable 10.0.0.0/8 2>/dev/null && echo "took the wall down"; exit 0`
    const { stdout, stderr } = await finish(
      runner,
      taskOf('network', script, { limits: { network: 'public' } }),
    )
    expect(stdout, stderr).toBe('state UNKNOWN\n')
  })
})

describe('slirp4netns', () => {
  /** Empty for a process that ended meanwhile. */
  const statusOf = (pid: string) => {
    try {
      return readFileSync(`/proc/${pid}/status`, 'utf8')
    } catch {
      return ''
    }
  }
  const pidsOf = (name: string) =>
    readdirSync('/proc').filter((pid) => /^\d+$/.test(pid) && statusOf(pid).startsWith(`Name:\t${name}\n`))

  it('runs in its own sandbox behind a system call filter, and ends with the supervisor', async ({
    skip,
  }) => {
    const probe = await runner.probe()
    if (!probe.available || probe.features.network === 'none') return skip('it is not installed')
    const others = new Set(pidsOf('slirp4netns'))
    const fresh = () => pidsOf('slirp4netns').filter((pid) => !others.has(pid))
    await runner.start(taskOf('confined', 'sleep 60', { limits: { network: 'public' } }))
    // It seals itself once the network is up, the filter last.
    const sealed = () => fresh().find((pid) => /^Seccomp:\t2$/m.test(statusOf(pid)))
    await expect.poll(sealed).toBeDefined()
    const pid = sealed() ?? ''
    const status = statusOf(pid)
    expect(status).toMatch(/^NoNewPrivs:\t1$/m)
    expect(readdirSync(`/proc/${pid}/root`).sort()).toEqual(['etc', 'run'])
    process.kill(Number(/^PPid:\t(\d+)$/m.exec(status)?.[1]), 'SIGKILL')
    await expect.poll(fresh).toEqual([])
    await runner.remove('confined')
  })
})

describe('attach, sweep, remove', () => {
  it('behavior: a job that was never started is null, and removing it is no error', async () => {
    expect(await runner.attach('never')).toBeNull()
    await runner.remove('never')
  })

  it('behavior: remove stops a running job and leaves nothing', async () => {
    const job = await runner.start(taskOf('removed', 'sleep 60'))
    await runner.remove('removed')
    expect(readdirSync(join(folder, 'jobs'))).not.toContain('removed')
    expect(await runner.attach('removed')).toBeNull()
    expect(job.id).toBe('removed')
  })

  it('behavior: sweep ends what is not kept, and nothing else', async () => {
    const kept = await runner.start(taskOf('kept', 'sleep 60'))
    await runner.start(taskOf('swept', 'sleep 60'))
    mkdirSync(join(folder, 'jobs', 'half-made'))
    await runner.sweep(new Set(['kept']))
    expect(readdirSync(join(folder, 'jobs'))).toEqual(['kept'])
    expect(await kept.status()).toMatchObject({ state: 'running' })
  })

  it('behavior: a sweep is not stopped by a file that is written while it deletes', async () => {
    const late = join(folder, 'jobs', 'late')
    mkdirSync(late)
    writeFileSync(join(late, 'log'), 'first')
    const until = Date.now() + 50
    let written = 0
    const write = () => {
      try {
        writeFileSync(join(late, `result.${written}`), 'late')
        written++
      } catch {
        return // It is gone.
      }
      if (Date.now() < until) setImmediate(write)
    }
    write()
    await runner.sweep(new Set(['kept']))
    expect(written).toBeGreaterThan(1)
    expect(readdirSync(join(folder, 'jobs'))).not.toContain('late')
  })
})

describe('gpuDevices', () => {
  it('default: the leased cards by index or uuid, and what they share; none for none', () => {
    const dev = mkdtempSync(join(folder, 'dev-'))
    const proc = mkdtempSync(join(folder, 'proc-'))
    for (const file of ['nvidia0', 'nvidia1', 'nvidiactl', 'nvidia-uvm']) writeFileSync(join(dev, file), '')
    mkdirSync(join(proc, '0000:00:04.0'))
    writeFileSync(
      join(proc, '0000:00:04.0', 'information'),
      'Model: \t\t H100\nGPU UUID: \t GPU-aa\nDevice Minor: \t 1\n',
    )
    const names = (gpus: string[]) =>
      gpuDevices(gpus, { dev, proc }).map((path) => path.slice(dev.length + 1))
    expect(names([])).toEqual([])
    expect(names(['GPU-aa'])).toEqual(['nvidia1', 'nvidiactl', 'nvidia-uvm'])
    expect(names(['0'])).toEqual(['nvidia0', 'nvidiactl', 'nvidia-uvm'])
    expect(() => names(['GPU-bb'])).toThrow(GpuNotFoundError)
    expect(() => names(['7'])).toThrow(GpuNotFoundError)
  })
})
