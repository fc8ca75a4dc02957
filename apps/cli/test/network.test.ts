import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { receiptFileSchema, verifyReceipt } from '@millrace/sdk'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { connect } from '../src/connection/connect.ts'
import { findOffers } from '../src/offers/findOffers.ts'
import { keepValidOffers } from '../src/offers/keepValidOffers.ts'
import { startOf } from '../src/processes/processIdentity.ts'

/** The command as people use it: a child process, on a network of its own. */
const bin = fileURLToPath(new URL('../bin/millrace.mjs', import.meta.url))
const home = mkdtempSync(join(tmpdir(), 'millrace-cli-'))
const work = mkdtempSync(join(tmpdir(), 'millrace-work-'))
const small = ['--cpus', '0.5', '--memory', '256MB', '--disk', '256MB', '--duration', '10m']

interface Ran {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

function start(args: readonly string[], env: Record<string, string> = {}): ChildProcess {
  return spawn(process.execPath, [bin, ...args], {
    cwd: work,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, MILLRACE_HOME: home, NO_COLOR: '1', ...env },
  })
}

function ended(child: ChildProcess): Promise<Ran> {
  return new Promise((resolve) => {
    let out = ''
    let err = ''
    child.stdout?.on('data', (chunk: Buffer) => {
      out += chunk
    })
    child.stderr?.on('data', (chunk: Buffer) => {
      err += chunk
    })
    child.once('close', (code) => resolve({ code, out, err }))
  })
}

/** Resolves once a process has said `words`, however they are cut into pieces. */
function said(stream: Readable | null, words: string): Promise<void> {
  return new Promise((resolve) => {
    let text = ''
    stream?.on('data', (chunk: Buffer) => {
      text += chunk
      if (text.includes(words)) resolve()
    })
  })
}

const millrace = (...args: string[]) => ended(start(args))
async function json(...args: string[]) {
  const { code, out, err } = await millrace(...beforeDashes(args))
  const lines = out.trim().split('\n').filter(Boolean)
  try {
    return { code, last: JSON.parse(lines.at(-1) ?? 'null'), lines: lines.map((line) => JSON.parse(line)) }
  } catch (cause) {
    throw new Error(`not JSON: ${out} ${err}`, { cause })
  }
}

/** Everything that is kept: a network is started again with it after whatever was killed. */
const up = () => json('up', '--detach', '--chain-port', '0', '--gateway-port', '0')
const pidOf = (name: string): number =>
  JSON.parse(
    readFileSync(join(home, 'network', name === 'anvil' ? 'chain/anvil.pid' : `${name}.pid`), 'utf8'),
  ).pid

async function runJob(script: string, ...flags: string[]) {
  const { code, last } = await json('run', '--yes', ...small, ...flags, '--', script)
  return { code, ...last }
}

const identity = ({ paid, refunded, deposit }: Record<string, string>) =>
  expect(BigInt(paid ?? 0) + BigInt(refunded ?? 0)).toBe(BigInt(deposit ?? 0))

beforeAll(async () => {
  const { code, last } = await up()
  expect({ code, ready: last.ready }).toEqual({ code: 0, ready: true })
}, 300_000)
afterAll(async () => {
  await millrace('down')
  rmSync(home, { recursive: true, force: true, maxRetries: 40, retryDelay: 50 })
  rmSync(work, { recursive: true, force: true, maxRetries: 40, retryDelay: 50 })
}, 120_000)

describe('network', () => {
  test('default: everything is well, and a second `up` changes nothing', async () => {
    const { code, last } = await json('status')
    expect(code).toBe(0)
    expect(last).toMatchObject({ phase: 'ready', well: true, chainId: 31337 })
    expect(last.services.map(({ service, state }: Record<string, string>) => `${service} ${state}`)).toEqual([
      'chain healthy',
      'gateway healthy',
      'node healthy',
    ])
    const again = await json('up', '--detach')
    expect(again).toMatchObject({ code: 0, last: { ready: true } })
  }, 120_000)

  test('default: offers show what can be hired', async () => {
    const { last } = await json('offers', 'cpu_cores>0 region=local', '--order', 'price,cpu_cores-')
    expect(last.offers[0]).toMatchObject({ region: 'local', asset: '1', currency: 'TUSD' })
    expect((await millrace('offers')).out).toMatch(/ID.*GPU.*VRAM.*\$\/H.*REGION/)
  }, 120_000)

  test('error: an offer listed in another currency than its asset is passed over, the true one is kept', async () => {
    const connection = await connect({}, home)
    const [offer] = (await findOffers(connection, { query: '', order: 'price', limit: 5 })).offers
    if (offer === undefined) throw new Error('no offer')
    const { listing } = offer
    const published = { ...listing.published, currency: connection.deployment.till }
    const forged = { ...offer, listing: { ...listing, published } }
    const { valid, refused } = await keepValidOffers(connection, [forged, offer], { most: 5 })
    expect(valid).toEqual([offer])
    expect(refused).toMatchObject([{ offer: listing.id, reason: expect.stringContaining('is paid in') }])
  }, 120_000)
})

describe('run', () => {
  test('default: a job runs, its files come back, money adds up, the receipt verifies offline', async () => {
    const result = await runJob('echo hello; mkdir out; echo 42 > out/answer; sleep 2')
    expect(result).toMatchObject({ code: 0, event: 'summary', state: 'done', exitCode: 0, problem: null })
    identity(result)
    expect(result.seconds).toBeGreaterThan(0)
    expect(BigInt(result.paid)).toBe((BigInt(result.pricePerHour) * BigInt(result.seconds)) / 3600n)
    expect(readFileSync(join(result.outputs.folder, 'out', 'answer'), 'utf8')).toBe('42\n')
    expect(readFileSync(result.log, 'utf8')).toBe('hello\n')
    const file = receiptFileSchema.parse(JSON.parse(readFileSync(result.receipt, 'utf8')))
    expect(
      await verifyReceipt(file.receipt, file, { chainId: file.chainId, market: file.market }),
    ).toMatchObject({ valid: true, acknowledged: true })
  }, 180_000)

  test('default: a task file with a work folder, environment and outputs', async () => {
    writeFileSync(join(work, 'data.txt'), 'from the work folder')
    writeFileSync(
      join(work, 'task.yaml'),
      'name: copy\nworkdir: .\nenvs: {NAME: nobody}\nsetup: mkdir results\nrun: |\n  cat data.txt > results/$NAME\noutputs: results/*\nresources: {cpus: 0.5, memory: 256MB, disk_size: 256MB}\n',
    )
    const { code, last } = await json('run', 'task.yaml', '--yes', '--env', 'NAME=me', '--output-dir', 'back')
    expect({ code, state: last.state, problem: last.problem }).toEqual({
      code: 0,
      state: 'done',
      problem: null,
    })
    expect(readFileSync(join(work, 'back', 'results', 'me'), 'utf8')).toBe('from the work folder')
  }, 180_000)

  test('behavior: the exit code of the job is ours', async () => {
    const result = await runJob('echo no >&2; exit 3')
    expect(result).toMatchObject({ code: 3, exitCode: 3, state: 'failed' })
    identity(result)
  }, 180_000)

  test('behavior: detached, it is listed, its log is read, it is extended, fetched and stopped from elsewhere', async () => {
    const first = await json('run', '--yes', ...small, '--detach', '--', 'mkdir out; echo one; sleep 300')
    expect(first).toMatchObject({ code: 130, last: { error: { code: 'INTERRUPTED' } } })
    const running = (await json('ps')).last.leases
    expect(running).toHaveLength(1)
    const { lease, endsAt } = running[0]
    expect((await millrace('logs', lease.slice(0, 12))).out).toBe('one\n')
    expect((await json('extend', lease, '60s', '--yes')).last.endsAt).toBe(endsAt + 60)
    const { code, last } = await json('stop', lease)
    expect({ code, lease: last.lease }).toEqual({ code: 0, lease })
    expect((await json('ps')).last.leases).toEqual([])
    const [row] = (await json('ps', '--all')).last.leases
    expect(row).toMatchObject({ lease, state: 'settled' })
    expect((await json('stop', lease)).last.error.code).toBe('LEASE_STATE')
  }, 240_000)

  test('behavior: killed in the middle, the order is there and `--resume` brings it to its end', async () => {
    const child = start([
      'run',
      '--yes',
      ...small,
      '--json',
      '--',
      'for i in 1 2 3 4 5 6; do echo $i; sleep 1; done',
    ])
    await said(child.stdout, '"event":"log"')
    // The command is a child of the launcher where sources are run: both go.
    const gone = ended(child)
    for (const pid of childrenOf(child.pid ?? 0)) process.kill(pid, 'SIGKILL')
    child.kill('SIGKILL')
    await gone
    const [row] = (await json('ps')).last.leases
    expect(row).toBeDefined()
    const { code, last } = await json('run', '--resume', row.lease.slice(0, 14))
    expect({ code, state: last.state, problem: last.problem }).toEqual({
      code: 0,
      state: 'done',
      problem: null,
    })
    expect(readFileSync(last.log, 'utf8')).toBe('1\n2\n3\n4\n5\n6\n')
    identity(last)
  }, 240_000)

  test('behavior: SIGINT once leaves the job running, twice stops the lease', async () => {
    const child = start(['run', '--yes', ...small, '--json', '--', 'sleep 300'])
    const done = ended(child)
    await said(child.stdout, '"state":"running"')
    const target = childrenOf(child.pid ?? 0)[0] ?? child.pid ?? 0
    // Two signals that wait together would be one: the second is sent when the first has been answered.
    const answered = said(child.stderr, 'Ctrl-C again')
    process.kill(target, 'SIGINT')
    await answered
    process.kill(target, 'SIGINT')
    const { code, out } = await done
    const last = JSON.parse(out.trim().split('\n').at(-1) ?? '')
    expect({ code, event: last.event, problem: last.problem }).toEqual({
      code: 130,
      event: 'summary',
      problem: null,
    })
    expect(last.receipt).not.toBeNull()
    identity(last)
    expect((await json('ps')).last.leases).toEqual([])
  }, 180_000)
})

describe('errors', () => {
  test.each([
    ['nothing to run', ['run'], 64, 'USAGE'],
    ['a query that cannot be read', ['offers', 'gpu_nam=H100'], 64, 'QUERY_INVALID'],
    ['no offer fits', ['run', '--yes', '--gpus', 'H100:8', '--', 'true'], 66, 'NO_OFFER'],
    ['nobody to ask', ['run', '--', 'true'], 77, 'CONFIRMATION_REQUIRED'],
    [
      'too little money',
      ['run', '--yes', '--duration', '1d', '--wallet', 'poor', '--', 'true'],
      71,
      'NOT_ENOUGH_MONEY',
    ],
    ['a lease that is not ours', ['logs', '0x1234'], 66, 'LEASE_NOT_OURS'],
    ['an asset that is not there', ['till', 'show', '99'], 66, 'ASSET_MISSING'],
    ['a network that is not there', ['offers', '--network', 'mars'], 78, 'NETWORK_UNKNOWN'],
    ['a wallet that is not there', ['wallet', 'show', 'nobody'], 66, 'WALLET_MISSING'],
  ])(
    'error: %s',
    async (_, args, exit, expected) => {
      if (args.includes('poor')) await ended(start(['wallet', 'new', 'poor'], { MILLRACE_PASSPHRASE: 'x' }))
      const child = await ended(start([...beforeDashes(args)], { MILLRACE_PASSPHRASE: 'x' }))
      expect({
        code: child.code,
        error: JSON.parse(child.out.trim().split('\n').at(-1) ?? '').error.code,
      }).toEqual({
        code: exit,
        error: expected,
      })
      expect(child.err + child.out).not.toMatch(/\n\s+at /)
    },
    120_000,
  )

  test('error: an unknown command or option is wrong usage', async () => {
    expect((await millrace('fly')).code).toBe(64)
    expect((await millrace('up', '--fast')).code).toBe(64)
    expect((await millrace('--help')).code).toBe(0)
  }, 120_000)
})

describe('money', () => {
  test('default: faucet, deposit, pay, settle, withdraw; what is paid to an asset is split in full', async () => {
    expect((await json('wallet', 'faucet', '10')).code).toBe(0)
    const before = (await json('till', 'show', '1')).last
    expect((await json('till', 'pay', '1', '1.5')).code).toBe(0)
    // The epoch must be over before it is split.
    await sleep(6000)
    expect((await json('till', 'settle', '1')).code).toBe(0)
    await expect
      .poll(async () => BigInt((await json('till', 'show', '1')).last.revenue) - BigInt(before.revenue), {
        timeout: 60_000,
        interval: 500,
      })
      .toBeGreaterThanOrEqual(1_500_000n)
    const { revenue, paid, bucket } = (await json('till', 'show', '1')).last
    const split = Object.values<string>(paid).reduce((sum, amount) => sum + BigInt(amount), 0n)
    expect(split + BigInt(bucket.amount)).toBe(BigInt(revenue))
    expect((await json('wallet', 'withdraw', 'all')).last.till).toBe('0')
  }, 240_000)
})

describe('crashes', () => {
  test('behavior: kill -9 of every part in turn, of the supervisor too; `up` goes on and nothing is lost', async () => {
    const balance = async () => (await json('wallet', 'balance')).last
    const before = { balance: await balance(), leases: (await json('ps', '--all')).last.leases }
    for (const part of ['anvil', 'chain', 'gateway', 'node']) {
      process.kill(pidOf(part), 'SIGKILL')
      await expect
        .poll(async () => (await json('status')).last.well, { timeout: 120_000, interval: 500 })
        .toBe(true)
    }
    // The supervisor and half of what it watches, at once; a node that hangs takes the next supervisor long to end.
    process.kill(pidOf('node'), 'SIGSTOP')
    for (const part of ['up', 'gateway', 'anvil']) process.kill(pidOf(part), 'SIGKILL')
    expect((await up()).code).toBe(0)
    expect((await json('status')).last).toMatchObject({ phase: 'ready', well: true })
    expect({ balance: await balance(), leases: (await json('ps', '--all')).last.leases }).toEqual(before)
    const result = await runJob('echo still here')
    expect(result).toMatchObject({ code: 0, state: 'done', problem: null })
    identity(result)
  }, 400_000)

  test('behavior: the node is killed in the middle of a job; the job goes on and ends once', async () => {
    const pending = runJob('echo begin; sleep 5; echo end')
    await expect
      .poll(
        async () =>
          (await json('node', 'status')).last.leases?.some(
            (lease: { state: string }) => lease.state === 'running',
          ),
        {
          timeout: 120_000,
          interval: 200,
        },
      )
      .toBe(true)
    process.kill(pidOf('node'), 'SIGKILL')
    const result = await pending
    expect(result).toMatchObject({ code: 0, state: 'done', problem: null })
    expect(readFileSync(result.log, 'utf8')).toBe('begin\nend\n')
    identity(result)
  }, 240_000)

  test('behavior: `down` leaves no process behind', async () => {
    const pids = ['up', 'chain', 'gateway', 'node', 'anvil'].map(pidOf)
    expect((await json('down')).last.wasRunning).toBe(true)
    for (const pid of pids) expect(startOf(pid)).toBeNull()
    expect((await json('offers')).last.error.code).toBe('NETWORK_DOWN')
  }, 120_000)
})

/** `--json` must come before `--`. */
function beforeDashes(args: readonly string[]): readonly string[] {
  const at = args.indexOf('--')
  return at === -1 ? [...args, '--json'] : [...args.slice(0, at), '--json', ...args.slice(at)]
}

function childrenOf(pid: number): readonly number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
      .trim()
      .split(' ')
      .filter(Boolean)
      .map(Number)
  } catch {
    return []
  }
}
