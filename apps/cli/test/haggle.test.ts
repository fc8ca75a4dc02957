import { spawn } from 'node:child_process'
import { appendFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import {
  type Deployment,
  deploymentSchema,
  getLease,
  HaggleDealError,
  HaggleOverError,
  hashHaggleTerms,
  marketAbi,
  parse,
  receiptFileSchema,
  verifyHaggledLease,
  verifyReceipt,
} from '@millrace/sdk'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js'
import { createPublicClient, type Hash, http } from 'viem'
import { afterAll, beforeAll, expect, test } from 'vitest'
import * as z from 'zod'
import { readHaggleRecord } from '../src/jobs/haggleRecord.ts'

/** Haggling as people do it: the command as a child process, on a network of its own. */
const bin = fileURLToPath(new URL('../bin/millrace.mjs', import.meta.url))
const home = mkdtempSync(join(tmpdir(), 'millrace-haggle-'))
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
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, MILLRACE_HOME: home, MILLRACE_NO_CHALLENGES: '1' },
  })
  let out = ''
  let err = ''
  child.stdout.on('data', (chunk: Buffer) => {
    out += chunk
  })
  child.stderr.on('data', (chunk: Buffer) => {
    err += chunk
  })
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve))
  const lines = out
    .trim()
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line))
  return { code, err, last: lines.at(-1), events: lines as readonly Event[] }
}
/** Starts the command and kills it, with all that it started, at the first event of this name. */
async function killedAt(event: string, ...args: string[]): Promise<readonly Event[]> {
  const child = spawn(process.execPath, [bin, '--json', ...args], {
    cwd: work,
    detached: true,
    stdio: ['ignore', 'pipe', 'ignore'],
    env: { ...process.env, MILLRACE_HOME: home, MILLRACE_NO_CHALLENGES: '1' },
  })
  let out = ''
  // What it said before it died is in the pipe: all of it is read.
  const gone = Promise.all([
    new Promise((resolve) => child.once('exit', resolve)),
    new Promise((resolve) => child.stdout.once('end', resolve)),
  ])
  child.stdout.on('data', (chunk: Buffer) => {
    out += chunk
    if (out.includes(`"event":"${event}"`) && child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
  })
  await gone
  return out
    .split('\n')
    .filter((line) => line.endsWith('}'))
    .map((line) => JSON.parse(line))
}
const read = (...path: string[]) => JSON.parse(readFileSync(join(home, ...path), 'utf8'))
const named = (events: readonly Event[], name: string) => events.find(({ event }) => event === name)

beforeAll(async () => {
  const { code, last } = await json('up', '--detach', '--chain-port', '0', '--gateway-port', '0')
  expect({ code, ready: last.ready }).toEqual({ code: 0, ready: true })
}, 300_000)
afterAll(async () => {
  await json('down')
  rmSync(home, { recursive: true, force: true, maxRetries: 40, retryDelay: 50 })
  rmSync(work, { recursive: true, force: true, maxRetries: 40, retryDelay: 50 })
}, 120_000)

test('error: what is no price, and a reserve without a haggle, are said before anything is paid', async () => {
  expect(await json('run', '--reserve', '0.2', '--yes', ...small, '--', 'true')).toMatchObject({ code: 64 })
  const { code, events } = await json('run', '--haggle', '--reserve', 'x', '--yes', ...small, '--', 'true')
  expect(code).toBe(64)
  expect(named(events, 'opening')).toBeUndefined()
}, 180_000)

test('default: the list price from a machine that does not haggle, an agreement from one that does', async () => {
  const firm = await json('run', '--haggle', '--yes', ...small, '--', 'true')
  expect(firm).toMatchObject({ code: 0, last: { state: 'done', pricePerHour: '360000' } })
  expect(named(firm.events, 'haggled')).toMatchObject({
    pricePerHour: null,
    lease: null,
    text: expect.stringContaining('it sells at its list price only'),
  })

  const node = (await json('node', 'status')).last
  appendFileSync(join(home, 'node', 'config.toml'), '\n[haggle]\nenabled = true\nfloor_price = "0.2"\n')
  process.kill(node.pid, 'SIGKILL')
  await expect
    .poll(async () => {
      const { last } = await json('node', 'status')
      const gateways: readonly { connected: boolean }[] = last?.gateways ?? []
      return last?.pid !== node.pid && last?.offers > 0 && gateways.some(({ connected }) => connected)
    })
    .toBe(true)

  const job = 'mkdir out; echo 42 > out/answer'
  const { code, err, last, events } = await json(
    'run',
    '--haggle',
    '--yes',
    ...small,
    '-o',
    'out/**',
    '--',
    job,
  )
  expect({ code, err: code === 0 ? '' : err }).toEqual({ code: 0, err: '' })
  const agreed = named(events, 'haggled')
  const price = BigInt(String(agreed?.pricePerHour))
  expect(price).toBeGreaterThanOrEqual(200_000n)
  expect(price).toBeLessThan(360_000n)
  // The plan that is agreed to shows the haggled offer, and the lease is opened on it.
  const plan = named(events, 'planned')
  expect(plan?.candidates).toMatchObject([{ lease: agreed?.lease, terms: agreed?.terms }, {}])
  expect(named(events, 'opened')).toMatchObject({ lease: agreed?.lease })
  expect(last).toMatchObject({ state: 'done', exitCode: 0, problem: null, pricePerHour: String(price) })
  expect(readFileSync(join(last.outputs.folder, 'out', 'answer'), 'utf8')).toBe('42\n')
  const file = receiptFileSchema.parse(JSON.parse(readFileSync(last.receipt, 'utf8')))
  const { chainId, market, receipt } = file
  expect(await verifyReceipt(receipt, file, { chainId, market })).toMatchObject({ valid: true })
  expect(receipt.pricePerHour).toBe(price)

  // On chain: the price, and in the event the hash of the terms.
  const deployment: Deployment = parse(deploymentSchema, read('network', 'deployment.json'), 'deployment')
  const url = `http://127.0.0.1:${read('network', 'state.json').chainPort}`
  const client = createPublicClient({ transport: http(url) })
  const lease = await getLease(client, { deployment, lease: last.lease as Hash })
  const [opened] = await client.getContractEvents({
    address: deployment.market,
    abi: marketAbi,
    eventName: 'LeaseOpened',
    args: { lease: last.lease as Hash },
    fromBlock: 0n,
  })
  if (lease === null || opened === undefined) throw new RangeError('the lease is on chain')
  expect(lease.pricePerHour).toBe(price)
  expect(opened.args).toMatchObject({ terms: agreed?.terms, pricePerHour: price })

  // Offline: transcript, offer and lease belong together, by documents alone.
  const record = readHaggleRecord({ file: (name) => join(home, 'leases', last.lease, name) })
  if (record === null) throw new RangeError('the transcript is kept')
  const terms = await verifyHaggledLease({ ...record, lease })
  expect(hashHaggleTerms(terms)).toBe(opened.args.terms)
  const { asset, buyer, lease: id } = receipt
  // One hash in the offer, on chain and in the receipt.
  expect(receipt.terms).toBe(opened.args.terms)
  expect(record.published.offer.terms).toBe(opened.args.terms)
  const ofReceipt = { id, asset, buyer, pricePerHour: receipt.pricePerHour, terms: receipt.terms }
  expect(await verifyHaggledLease({ ...record, lease: ofReceipt })).toEqual(terms)
  await expect(
    verifyHaggledLease({ ...record, lease: { ...ofReceipt, terms: receipt.job } }),
  ).rejects.toBeInstanceOf(HaggleDealError)
  await expect(
    verifyHaggledLease({ ...record, lease: { ...lease, pricePerHour: price - 1n } }),
  ).rejects.toBeInstanceOf(HaggleDealError)
  await expect(
    verifyHaggledLease({ ...record, messages: record.messages.slice(0, -1), lease }),
  ).rejects.toBeInstanceOf(HaggleOverError)
}, 240_000)

test('behavior: an agent haggles by MCP, thinks, and hires at the agreed price, or not at all', async () => {
  const client = new Client({ name: 'test', version: '1' })
  const args = [bin, 'mcp', '--budget', '1', '--per-payment', '0.05']
  const env = { ...process.env, MILLRACE_HOME: home } as Record<string, string>
  await client.connect(
    new StdioClientTransport({ command: process.execPath, args, cwd: work, env, stderr: 'ignore' }),
  )
  const call = async (name: string, input: Record<string, unknown>) => {
    const result = await client.callTool({ name, arguments: input }, undefined, { timeout: 120_000 })
    const [content] = z.array(z.object({ text: z.string() })).parse(result.content)
    const text = content?.text ?? ''
    const error = result.isError === true ? JSON.parse(text) : null
    return { error, text, value: z.record(z.string(), z.any()).parse(result.structuredContent ?? {}) }
  }
  try {
    const job = { command: 'echo $((6 * 7))', cpus: 0.5, memory: '256MB', disk: '256MB', duration: '5m' }
    await expect.poll(async () => (await call('search_offers', {})).value.offers?.length).toBeGreaterThan(0)

    // Below the machine's floor nothing is agreed on, and it is said why.
    const low = await call('haggle', { ...job, most_per_hour: '0.19' })
    expect(low.value).toMatchObject({
      agreements: [],
      refusals: [{ reason: expect.stringContaining('no agreement: the list price counts') }],
      list_price_per_hour: '0.36 TUSD',
    })
    expect(low.text).toContain('Nothing was agreed on; the list price is 0.36 TUSD/h.')

    const { value, text } = await call('haggle', { ...job, most_per_hour: '0.3' })
    const [agreed] = value.agreements
    expect(agreed).toMatchObject({ list_price_per_hour: '0.36 TUSD', seconds: 300, within_budget: true })
    const price = Number.parseFloat(agreed.price_per_hour)
    expect(price).toBeGreaterThanOrEqual(0.2)
    expect(price).toBeLessThanOrEqual(0.3)
    expect(text).toContain(`${agreed.price_per_hour}/h instead of 0.36 TUSD/h`)
    const budget = (await call('budget', {})).value

    // What was not agreed on is refused before anything is reserved or paid.
    const { agreement } = agreed
    const refusals = [
      [{ agreement: '0xnone' }, 'AGREEMENT_MISSING'],
      [{ agreement, cpus: 4096 }, 'AGREEMENT_UNFIT'],
      [{ agreement, where: 'region=nowhere' }, 'AGREEMENT_UNFIT'],
      [{ agreement, max_price: '0.1' }, 'AGREEMENT_UNFIT'],
      [{ agreement, duration: '10m' }, 'AGREEMENT_UNFIT'],
    ] as const
    for (const [further, code] of refusals) {
      const { error } = await call('hire_and_run', { ...job, ...further })
      expect({ further, code: error?.code }).toEqual({ further, code })
    }
    expect((await call('budget', {})).value).toEqual(budget)

    const hired = await call('hire_and_run', { ...job, agreement, wait_seconds: 100 })
    expect(hired.value).toMatchObject({ lease: agreement, state: 'done', log_tail: '42\n', problem: null })
    const file = receiptFileSchema.parse(JSON.parse(readFileSync(hired.value.receipt, 'utf8')))
    expect(Number(file.receipt.pricePerHour) / 1e6).toBe(price)
    const record = readHaggleRecord({ file: (name) => join(home, 'leases', agreement, name) })
    if (record === null) throw new RangeError('the transcript is kept')
    const { id, asset, buyer, pricePerHour, terms } = { ...file.receipt, id: file.receipt.lease }
    expect(
      hashHaggleTerms(
        await verifyHaggledLease({ ...record, lease: { id, asset, buyer, pricePerHour, terms } }),
      ),
    ).toBe(terms)
    // It was good for one lease.
    const again = await call('hire_and_run', { ...job, agreement })
    expect(again.error?.code).toBe('NO_MACHINE')

    // A price beyond the budget is said to be, and is refused.
    await expect.poll(async () => (await call('search_offers', {})).value.offers?.length).toBeGreaterThan(0)
    const long = await call('haggle', { ...job, duration: '30m', most_per_hour: '0.3' })
    const [dear] = long.value.agreements
    expect(dear).toMatchObject({ within_budget: false })
    const refused = await call('hire_and_run', {
      ...{ ...job, duration: '30m' },
      agreement: dear.agreement,
    })
    expect(refused.error?.code).toBe('BUDGET_EXCEEDED')
  } finally {
    await client.close()
  }
}, 240_000)

test('behavior: kill -9 of the buyer while it haggles and once it has agreed: no lease, no cent, and the next order works', async () => {
  const deployment: Deployment = parse(deploymentSchema, read('network', 'deployment.json'), 'deployment')
  const url = `http://127.0.0.1:${read('network', 'state.json').chainPort}`
  const client = createPublicClient({ transport: http(url) })
  const seen = async () => {
    const { last } = await json('wallet', 'balance')
    const opened = await client.getContractEvents({
      address: deployment.market,
      abi: marketAbi,
      eventName: 'LeaseOpened',
      fromBlock: 0n,
    })
    const [{ till, wallet }] = last.balances
    return { till, wallet, leases: opened.length, running: (await json('ps')).last.leases }
  }
  const order = ['run', '--haggle', '--yes', ...small, '--', 'true']
  let before = await seen()
  let deaths = 0
  for (const event of ['haggling', 'haggled', 'haggled', 'haggled', 'haggled']) {
    const events = await killedAt(event, ...order)
    expect(named(events, event)).toBeDefined()
    const opening = named(events, 'opening')
    if (opening === undefined) {
      expect(await seen()).toEqual(before)
      if (++deaths === 2) break
      continue
    }
    // It was quicker than the kill, and is another case: a lease that may be open, and is ended.
    await json('stop', String(opening.lease))
    before = await seen()
  }
  expect(deaths).toBe(2)
  // The machine promised its time to nobody who pays for it: the same buyer gets it, at the list price at worst.
  const { code, err, last } = await json(...order)
  expect({ code, err: code === 0 ? '' : err }).toEqual({ code: 0, err: '' })
  expect(last).toMatchObject({ state: 'done' })
  expect((await seen()).leases).toBe(before.leases + 1)
}, 240_000)
