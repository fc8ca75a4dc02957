import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statfsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { createSandboxRunner } from '../../src/runners/sandbox/sandboxRunner.ts'
import { buildSupervisor } from './buildSupervisor.ts'
import { finish, taskOf } from './runTask.ts'

const folder = mkdtempSync(join(tmpdir(), 'millrace-limits-'))
const supervisor = await buildSupervisor(folder)
const runner = createSandboxRunner({ directory: join(folder, 'jobs'), supervisor })
const probe = await runner.probe()
const hasCgroup = probe.available && probe.features.cgroup !== 'none'

afterAll(async () => {
  await runner.sweep(new Set())
  rmSync(folder, { recursive: true, force: true, maxRetries: 40, retryDelay: 50 })
})

/** Processes of this host whose command line holds the mark. */
function marked(mark: string): string[] {
  return readdirSync('/proc').filter((pid) => {
    try {
      return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes(mark)
    } catch {
      return false
    }
  })
}

const forks = (count: number) =>
  `i=0; while [ $i -lt ${count} ]; do sleep 20 & i=$((i+1)); done; echo "started $i"; kill $(jobs -p) 2>/dev/null; exit 0`
const allocate = (mebibytes: number, heldMs = 0) =>
  `node -e 'const a = []; for (let i = 0; i < ${mebibytes}; i++) a.push(Buffer.alloc(1 << 20, 1)); console.log("allocated", a.length); setTimeout(() => a.length, ${heldMs})'`

describe('a job cannot', () => {
  it('start more processes than it may (fork bomb)', async () => {
    const { result, stdout } = await finish(
      runner,
      taskOf('forks', forks(100), { limits: { processes: 24 } }),
    )
    expect(stdout).not.toContain('started')
    expect(result.exitCode).not.toBe(0)
    if (hasCgroup) expect(result.reason).toBe('processes')
  })

  it('take the machine down with a fork bomb that keeps forking', async () => {
    const bomb = 'bomb() { bomb | bomb & }; bomb; sleep 1; exit 7'
    const { result } = await finish(runner, taskOf('bomb', bomb, { limits: { processes: 48 } }))
    expect(['exited', 'killed']).toContain(result.outcome)
    expect(spawnSync('true').status).toBe(0)
  })

  it('use more memory than it may (memory bomb)', async () => {
    const { result, stdout } = await finish(
      runner,
      taskOf('memory', `${allocate(400)}; echo survived`, { limits: { memoryBytes: 96 << 20 } }),
    )
    expect(result).toMatchObject({ outcome: 'killed', reason: 'memory', exitCode: null })
    expect(stdout).not.toContain('allocated')
    expect(result.usage.maxMemoryBytes).toBeLessThanOrEqual(96 << 20)
  })

  it('hide a memory bomb in many processes', async () => {
    // Each holds what it has, or on a busy machine they would have it one after the other.
    const script = `for i in 1 2 3 4 5 6; do ${allocate(40, 20_000)} & done; wait; echo survived`
    const { result, stdout } = await finish(
      runner,
      taskOf('memories', script, { limits: { memoryBytes: 96 << 20 } }),
    )
    expect(result).toMatchObject({ outcome: 'killed', reason: 'memory' })
    expect(stdout).not.toContain('survived')
  })

  it('hide a memory bomb in /dev/shm', async () => {
    const { result } = await finish(
      runner,
      taskOf('shm', 'head -c 300M /dev/zero > /dev/shm/big', { limits: { memoryBytes: 64 << 20 } }),
    )
    expect(result.exitCode).not.toBe(0)
  })

  it.runIf(hasCgroup)('hide a memory bomb in System V segments', async () => {
    const script = `perl -e 'for (1..40) { $id = shmget(0, 16 << 20, 01600) // exit 3; shmwrite($id, "x" x (16 << 20), 0, 16 << 20) } print "kept"'`
    const { result, stdout } = await finish(
      runner,
      taskOf('segments', script, { limits: { memoryBytes: 64 << 20 } }),
    )
    expect(result).toMatchObject({ outcome: 'killed', reason: 'memory' })
    expect(stdout).not.toContain('kept')
  })

  it('fill the disk of the host', async () => {
    const before = statfsSync(folder)
    const { result, stderr } = await finish(runner, taskOf('disk', 'head -c 200M /dev/zero > big'))
    expect(stderr).toContain('No space left')
    expect(result).toMatchObject({ outcome: 'exited', reason: 'disk' })
    const after = statfsSync(folder)
    expect(Number(before.bfree - after.bfree) * before.bsize).toBeLessThan(100 << 20)
  })

  it('fill the disk through /tmp instead', async () => {
    const { result } = await finish(runner, taskOf('tmp', 'head -c 200M /dev/zero > /tmp/big'))
    expect(result).toMatchObject({ outcome: 'exited', reason: 'disk' })
  })

  it('fill the disk in other writable places', async () => {
    const script =
      'for d in / /dev /etc /run /run/millrace /usr /proc /opt /var /home; do (: > "$d/x") 2>/dev/null && echo "wrote $d"; done; exit 0'
    const { stdout } = await finish(runner, taskOf('places', script))
    expect(stdout).toBe('')
  })

  it('use up all inodes', async () => {
    const script = `perl -e 'for (1..5000) { open F, ">", "f$_" or die "$_ $!"; close F }'`
    const { result, stderr } = await finish(runner, taskOf('inodes', script, { limits: { inodes: 500 } }))
    expect(stderr).toContain('No space left')
    expect(result).toMatchObject({ outcome: 'exited', reason: 'disk' })
  })

  it('flood the log', async () => {
    const { result, stdout } = await finish(
      runner,
      taskOf('flood', 'yes millrace', { limits: { logBytes: 100_000 } }),
    )
    expect(result).toMatchObject({ outcome: 'killed', reason: 'log' })
    expect(stdout.length).toBe(100_000)
    expect(result.log.size).toBeLessThan(101_000)
  })

  it.runIf(hasCgroup)('take more CPU than it may', async () => {
    const script = 'for i in 1 2 3; do (while :; do :; done) & done; sleep 1.5; kill $(jobs -p); exit 0'
    const { result } = await finish(runner, taskOf('cpu', script, { limits: { cpus: 0.25 } }))
    expect(result.usage.cpuSeconds).toBeLessThan(0.5 * (result.endedAt - result.startedAt))
  })

  it('leave a daemon behind (double fork, setsid, nohup, ignored signals)', async () => {
    const mark = `millrace-daemon-${process.pid}`
    const daemon = `perl -MPOSIX -e '\\$SIG{\\$_} = "IGNORE" for qw(HUP TERM INT QUIT); if (!fork) { POSIX::setsid(); if (!fork) { \\$0 = "${mark}"; sleep 60 } }'`
    const script = `nohup sh -c "${daemon.replaceAll('"', '\\"')}" > /dev/null 2>&1; sleep 0.3; grep -la ${mark} /proc/[0-9]*/cmdline | grep -v self | head -1; exit 0`
    const { result, stdout } = await finish(runner, taskOf('daemon', script))
    // It did start.
    expect(stdout).toContain('/proc/')
    expect(result.reason).toBe('exit')
    expect(marked(mark)).toEqual([])
  })

  it('outlive its lease by ignoring signals', async () => {
    const mark = `millrace-stubborn-${process.pid}`
    const script = `trap "" TERM INT HUP QUIT; (exec perl -e '$| = 1; $0 = "${mark}"; print "ready"; sleep 60') & wait`
    const job = await runner.start(taskOf('stubborn', script))
    for await (const { bytes } of job.readLog({ from: 0, follow: true }))
      if (Buffer.from(bytes).includes('ready')) break
    expect(marked(mark).length).toBeGreaterThan(0)
    await job.setDeadline(Date.now() / 1000)
    expect(await job.done).toMatchObject({ outcome: 'killed', reason: 'deadline', signal: 'SIGKILL' })
    expect(marked(mark)).toEqual([])
  })

  it('outlive its lease by stopping itself', async () => {
    const job = await runner.start(
      taskOf('frozen', 'kill -STOP $$; sleep 60', { deadline: Date.now() / 1000 + 1 }),
    )
    expect(await job.done).toMatchObject({ outcome: 'killed', reason: 'deadline' })
  })

  it('harm anything by signalling everything (kill -9 -1)', async () => {
    const { result } = await finish(runner, taskOf('massacre', 'kill -9 -1; sleep 5'))
    expect(result.exitCode).not.toBe(0)
    expect((await runner.probe()).available).toBe(true)
  })

  it('leave a core dump with a handler of the host', async () => {
    const { stdout } = await finish(
      runner,
      taskOf(
        'core',
        '(ulimit -c unlimited) 2>/dev/null || true; grep "Max core" /proc/self/limits; sh -c "kill -SEGV \\$\\$" || exit 0',
      ),
    )
    expect(stdout).toMatch(/Max core file size\s+1\s+1\s/)
  })

  it('leave mounts, loop devices, control groups or an image behind', async () => {
    await runner.sweep(new Set())
    expect(readFileSync('/proc/mounts', 'utf8')).not.toContain(folder)
    expect(
      execFileSync('sh', ['-c', 'cat /sys/block/loop*/loop/backing_file 2>/dev/null; true'], {
        encoding: 'utf8',
      }),
    ).not.toContain(folder)
    expect(readdirSync(join(folder, 'jobs'))).toEqual([])
  })
})

describe('with a wider limit the same job succeeds', () => {
  it('processes', async () => {
    const { stdout } = await finish(runner, taskOf('forks-ok', forks(100), { limits: { processes: 200 } }))
    expect(stdout).toContain('started 100')
  })

  it('memory', async () => {
    const { stdout } = await finish(
      runner,
      taskOf('memory-ok', allocate(200), { limits: { memoryBytes: 512 << 20 } }),
    )
    expect(stdout).toContain('allocated 200')
  })

  it('disk', async () => {
    const { result } = await finish(
      runner,
      taskOf('disk-ok', 'head -c 60M /dev/zero > big', {
        limits: { diskBytes: 64 << 20, memoryBytes: 512 << 20 },
      }),
    )
    expect(result.exitCode).toBe(0)
  })

  it('inodes', async () => {
    const script = `perl -e 'for (1..5000) { open F, ">", "f$_" or die "$_ $!"; close F }'`
    const { result } = await finish(runner, taskOf('inodes-ok', script, { limits: { inodes: 6000 } }))
    expect(result.exitCode).toBe(0)
  })

  it('log', async () => {
    const script = 'yes millrace | head -c 150000'
    const { result, stdout } = await finish(
      runner,
      taskOf('log-ok', script, { limits: { logBytes: 150_000 } }),
    )
    expect(stdout.length).toBe(150_000)
    expect(result.reason).toBe('exit')
  })

  it('a daemon on the bare host does stay', async () => {
    const mark = `millrace-loose-${process.pid}`
    spawnSync(
      'perl',
      [
        '-MPOSIX',
        '-e',
        `if (!fork) { POSIX::setsid(); $0 = "${mark}"; close STDOUT; close STDERR; sleep 60 }`,
      ],
      {
        stdio: 'ignore',
      },
    )
    await expect.poll(() => marked(mark)).toHaveLength(1)
    const left = marked(mark)
    for (const pid of left) process.kill(Number(pid), 'SIGKILL')
  })
})
