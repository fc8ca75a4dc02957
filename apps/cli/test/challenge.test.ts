import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'

/** Challenges as people ask for them: the command as a child process, on a network of its own. */
const bin = fileURLToPath(new URL('../bin/millrace.mjs', import.meta.url))
const home = mkdtempSync(join(tmpdir(), 'millrace-challenge-'))
const work = mkdtempSync(join(tmpdir(), 'millrace-work-'))
const small = ['--cpus', '0.5', '--memory', '256MB', '--disk', '256MB', '--duration', '10m']

interface Event {
  readonly event: string
  readonly [key: string]: unknown
}

async function json(...args: string[]) {
  const at = args.includes('--') ? args.indexOf('--') : args.length
  const child = spawn(process.execPath, [bin, ...args.slice(0, at), '--json', ...args.slice(at)], {
    cwd: work,
    stdio: ['ignore', 'pipe', 'ignore'],
    // The gateway's own challenge would keep the machine busy at a moment of its choosing.
    env: { ...process.env, MILLRACE_HOME: home, MILLRACE_NO_CHALLENGES: '1' },
  })
  let out = ''
  child.stdout.on('data', (chunk: Buffer) => {
    out += chunk
  })
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve))
  const lines = out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  return { code, last: lines.at(-1), events: lines as readonly Event[] }
}

beforeAll(async () => {
  const { code, last } = await json('up', '--detach', '--chain-port', '0', '--gateway-port', '0')
  expect({ code, ready: last.ready }).toEqual({ code: 0, ready: true })
}, 300_000)
afterAll(async () => {
  await json('down')
  rmSync(home, { recursive: true, force: true, maxRetries: 40, retryDelay: 50 })
  rmSync(work, { recursive: true, force: true, maxRetries: 40, retryDelay: 50 })
}, 120_000)

test('default: a live offer, a job on a challenged machine, and its lease', async () => {
  const { id } = (await json('offers')).last.offers[0]
  expect(await json('challenge', id.slice(0, 10), '--size', '512')).toMatchObject({
    code: 0,
    last: { offer: id, lease: null, verdict: { type: 'unclaimed' }, result: { passed: true, n: 512 } },
  })
  const { events } = await json('run', '--challenge', '--yes', ...small, '--detach', '--', 'sleep 300')
  const names = events.map(({ event }) => event)
  expect(names.indexOf('challenged')).toBeGreaterThan(-1)
  expect(names.indexOf('challenged')).toBeLessThan(names.indexOf('opening'))
  const { lease } = (await json('ps')).last.leases[0]
  expect(await json('challenge', lease.slice(0, 12), '--size', '512')).toMatchObject({
    code: 0,
    last: { lease, result: { passed: true } },
  })
  await json('stop', lease)
}, 180_000)

test('error: a machine that claims a thousand times what it delivers is named, and passed over', async () => {
  const file = join(home, 'node', 'benchmark.json')
  const config = { version: 1, cpus: 0, cpuModel: '', gpus: [], cpuGflops: 20_000, gpuTflops: 0, at: 1 }
  const { published } = (await json('offers')).last.offers[0]
  writeFileSync(file, JSON.stringify({ ...config, cpus: cpus().length, cpuModel: published.spec.cpuModel }))
  let id: string | undefined
  for (const end = Date.now() + 60_000; id === undefined && Date.now() < end; ) {
    const { offers } = (await json('offers')).last
    id = offers.find((one: typeof published) => one.published.spec.measured !== undefined)?.id
  }
  expect(await json('challenge', String(id), '--size', '1024')).toMatchObject({
    code: 65,
    last: { verdict: { type: 'below' } },
  })
  // The offers from before still claim nothing; only those that claim too much are asked for.
  const { code, events } = await json('run', '--challenge', '--yes', ...small, '-w', `id=${id}`, '--', 'true')
  expect(code).toBe(66)
  expect(events.map(({ event }) => event)).not.toContain('opening')
  expect(events.find(({ event }) => event === 'challenged')).toMatchObject({ offer: id, isGood: false })
}, 180_000)
