import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { getBalance, getLease, hashSchema } from '@millrace/sdk'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import type { Hash } from 'viem'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import * as z from 'zod'
import { type Connection, connect } from '../src/connection/connect.ts'
import { openAccount } from '../src/connection/openAccount.ts'

/** An MCP server that is killed while it hires for its agent, and the next one, on a network of its own. */
const bin = fileURLToPath(new URL('../bin/millrace.mjs', import.meta.url))
const home = mkdtempSync(join(tmpdir(), 'millrace-kill-'))
const work = mkdtempSync(join(tmpdir(), 'millrace-work-'))
const env = { ...process.env, MILLRACE_HOME: home, MILLRACE_NO_CHALLENGES: '1' } as Record<string, string>
const millrace = (...args: string[]) =>
  spawnSync(process.execPath, [bin, ...args], { cwd: work, env, encoding: 'utf8' })

let server: ChildProcess | null = null
/** Kills the server with all that it started; a group of its own has nobody else in it. */
async function kill(): Promise<void> {
  const child = server
  server = null
  if (child?.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
  // Not `close`: what it started may hold its pipes.
  const gone = new Promise((resolve) => child.once('exit', resolve))
  process.kill(-child.pid, 'SIGKILL')
  await gone
}
async function serve(): Promise<Client> {
  const child = spawn(process.execPath, [bin, 'mcp', '--budget', '3', '--http', '0'], {
    ...{ cwd: work, env, detached: true, stdio: ['ignore', 'ignore', 'pipe'] },
  })
  server = child
  let said = ''
  const url = await new Promise<string>((resolve, reject) => {
    child.once('exit', (code) => reject(new RangeError(`the server ended with ${code}: ${said}`)))
    child.stderr?.on('data', (chunk: Buffer) => {
      said += chunk
      const found = /"url":"([^"]+)"/.exec(said)?.[1]
      if (found !== undefined) resolve(found)
    })
  })
  const client = new Client({ name: 'test', version: '1' })
  await client.connect(new StreamableHTTPClientTransport(new URL(url)) as never)
  return client
}
async function call(client: Client, name: string, input: Record<string, unknown> = {}) {
  const result = await client.callTool({ name, arguments: input }, undefined, { timeout: 120_000 })
  const [content] = z.array(z.object({ text: z.string() })).parse(result.content)
  if (result.isError === true) return { error: JSON.parse(content?.text ?? 'null') }
  return { value: z.record(z.string(), z.any()).parse(result.structuredContent) }
}

let connection: Connection
beforeAll(async () => {
  const { status, stderr } = millrace('up', '--detach', '--chain-port', '0', '--gateway-port', '0')
  expect({ status, stderr }).toMatchObject({ status: 0 })
  connection = await connect({}, home)
}, 300_000)
afterEach(kill)
afterAll(() => {
  millrace('down')
  rmSync(home, { recursive: true, force: true, maxRetries: 40, retryDelay: 50 })
  rmSync(work, { recursive: true, force: true, maxRetries: 40, retryDelay: 50 })
}, 120_000)

const leases = () =>
  existsSync(join(home, 'leases'))
    ? readdirSync(join(home, 'leases')).flatMap((name) => hashSchema.safeParse(name).data ?? [])
    : []
const orderLog = (lease: Hash) => {
  try {
    return readFileSync(join(home, 'leases', lease, 'order.log'), 'utf8')
  } catch {
    // Not there yet, or no longer: one that was never about to be paid is dropped by the next server.
    return ''
  }
}
/** Waits, without rest, until the order of a lease that is not among `known` has come to a step. */
async function comeTo(step: string, known: readonly Hash[]): Promise<Hash> {
  for (const end = Date.now() + 60_000; Date.now() < end; ) {
    for (const lease of leases())
      if (!known.includes(lease) && orderLog(lease).includes(`"type":"${step}"`)) return lease
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
  throw new RangeError(`no order came to '${step}'`)
}
async function money() {
  const { deployment, client, currency } = connection
  const { account } = await openAccount(connection, {})
  const { till, wallet } = await getBalance(client, {
    ...{ deployment, account: account.address, currency: currency.address },
  })
  return till + wallet
}

// Written down and not paid; about to be paid; paid; running. After each the machine works, or the money is back.
test.each(['planned', 'opening', 'opened', 'running'])(
  'behavior: killed when its order is %s, the next server finishes the job or has the money back, and counts what the chain says',
  async (step) => {
    let client = await serve()
    await expect
      .poll(async () => (await call(client, 'search_offers')).value?.offers.length, { timeout: 90_000 })
      .toBeGreaterThan(0)
    const before = { money: await money(), spent: (await call(client, 'budget')).value?.spent }
    // One that was never about to be paid is taken over by the next that chooses its offer.
    const known = leases().filter((one) => orderLog(one).includes('"type":"opening"'))
    const job = {
      command: 'mkdir -p out; sleep 1; echo 42 > out/answer',
      cpus: 0.5,
      memory: '256MB',
      disk: '256MB',
    }
    // Its answer never comes.
    const lost = call(client, 'hire_and_run', { ...job, duration: '10m', wait_seconds: 100 }).catch(
      () => null,
    )
    const lease = await comeTo(step, known)
    await kill()
    await client.close().catch(() => undefined)
    void lost

    client = await serve()
    await expect
      .poll(async () => (await call(client, 'budget')).value?.reserved, { timeout: 120_000, interval: 200 })
      .toBe('0.00 TUSD')
    const { deployment, client: rpc } = connection
    const found = await getLease(rpc, { deployment, lease })
    const paid = before.money - (await money())
    if (found === null) {
      // It died before it paid: the order is gone, or says that it came to nothing.
      expect(paid).toBe(0n)
      expect((await call(client, 'budget')).value?.spent).toBe(before.spent)
      return
    }
    expect(found.state).toBe('settled')
    expect(paid).toBeGreaterThan(0n)
    expect(paid).toBeLessThan(found.deposit)
    const { value } = await call(client, 'watch', { lease })
    expect(value).toMatchObject({ is_over: true, state: 'done', exit_code: 0, problem: null })
    expect(readFileSync(join(value?.output_folder, 'out', 'answer'), 'utf8')).toBe('42\n')
    const after = (await call(client, 'budget')).value?.spent
    const scale = (text: string) => Math.round(Number(text.replace(' TUSD', '')) * 1e6)
    expect(scale(after) - scale(before.spent)).toBe(Number(paid))
    await client.close()
  },
  300_000,
)
