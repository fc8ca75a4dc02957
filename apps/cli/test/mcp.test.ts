import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import {
  createPaywall,
  exactScheme,
  fundChannel,
  hagglePath,
  memoryJournal,
  nodeListener,
  openCallHaggling,
  openFacilitator,
  openLedger,
  streamScheme,
} from '@millrace/pay'
import { priceTool } from '@millrace/pay/mcp'
import { getChannel } from '@millrace/sdk'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js'
import type { Address } from 'viem'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import * as z from 'zod'
import { connect } from '../src/connection/connect.ts'
import { homePaths } from '../src/home/homePaths.ts'
import { serveHttp } from '../src/mcp/serveHttp.ts'
import { openSpendingLimit } from '../src/mcp/spendingLimit.ts'
import { readNetworkState } from '../src/network/networkState.ts'
import { openFaucet } from '../src/network/prepareNetwork.ts'

/** A network of its own, the command as clients start it, and the official client. */
const bin = fileURLToPath(new URL('../bin/millrace.mjs', import.meta.url))
const guide = fileURLToPath(new URL('../../../docs/guides/mcp.md', import.meta.url))
const echo = `${process.execPath} ${fileURLToPath(new URL('echoTools.process.mjs', import.meta.url))}`
const home = mkdtempSync(join(tmpdir(), 'millrace-mcp-'))
const work = mkdtempSync(join(tmpdir(), 'millrace-work-'))
const env = { ...process.env, MILLRACE_HOME: home, NO_COLOR: '1' } as Record<string, string>
const small = { cpus: 0.5, memory: '256MB', disk: '256MB', duration: '10m' }
const millrace = (...args: string[]) =>
  spawnSync(process.execPath, [bin, ...args], { cwd: work, env, encoding: 'utf8' })

const configSchema = z.strictObject({
  mcpServers: z.record(z.string(), z.strictObject({ command: z.string(), args: z.array(z.string()) })),
})
/** The arguments of the guide's example, behind the command's name. */
function guideArgs(): string[] {
  const [, json = ''] = /```json\n([\s\S]*?)```/.exec(readFileSync(guide, 'utf8')) ?? []
  const { command, args } = configSchema.parse(JSON.parse(json)).mcpServers.millrace ?? { args: [] }
  expect([command, args[0]]).toEqual(['npx', 'millrace'])
  return args.slice(1)
}

async function connectClient(transport: Transport): Promise<Client> {
  const client = new Client({ name: 'test', version: '1' })
  await client.connect(transport)
  return client
}

/** A tool's answer, or the error that it gave. */
async function call(client: Client, name: string, input: Record<string, unknown> = {}) {
  const result = await client.callTool({ name, arguments: input }, undefined, { timeout: 120_000 })
  const [content] = z.array(z.object({ text: z.string() })).parse(result.content)
  if (result.isError === true) return { error: JSON.parse(content?.text ?? 'null') }
  return { value: z.record(z.string(), z.any()).parse(result.structuredContent), text: content?.text ?? '' }
}

/** Waits until the machine offers itself again, which it does once a lease is over. */
const offered = (client: Client) =>
  expect
    .poll(async () => (await call(client, 'search_offers')).value?.offers.length, { timeout: 60_000 })
    .toBeGreaterThan(0)

/** A service that asks one unit of the currency for each answer, and has its channels funded. */
async function startSeller() {
  const paths = homePaths(home)
  const state = readNetworkState(paths.network)
  if (state === null) throw new Error('no network')
  const { client: rich, ensureCoins } = openFaucet(paths, state)
  const { deployment, client, currency } = await connect({}, home)
  const openBooks = (name: string, account: Address) =>
    openLedger({
      ...deployment,
      path: join(home, `${name}.jsonl`),
      payee: { account },
      currency: currency.address,
      readChannel: (channel) => getChannel(client, { deployment, channel }),
      fund: (channel, authorization) => fundChannel(rich, { deployment, channel, authorization }),
    })
  const ledger = await openBooks('seller', privateKeyToAccount(generatePrivateKey()).address)
  const price = 10n ** BigInt(currency.decimals)
  const scheme = streamScheme({ ledger, deployment, currency, deposit: price })
  const paywall = createPaywall({ schemes: [scheme] })
  const haggler = privateKeyToAccount(generatePrivateKey())
  const books = await openBooks('haggler', haggler.address)
  const haggling = await openCallHaggling({
    ...{ path: join(home, 'haggles.jsonl'), deployment, client, currency, signer: haggler },
    offer: () => ({ price: price / 100n, floor: price / 200n }),
  })
  const haggled = haggling.sell(
    createPaywall({ schemes: [streamScheme({ ledger: books, deployment, currency })] }),
    () => new Response('agreed'),
  )
  const relayer = privateKeyToAccount(generatePrivateKey())
  await ensureCoins(relayer.address)
  const network = `eip155:${deployment.chainId}`
  const facilitator = await openFacilitator({
    chains: [{ network, client, relayer }],
    journal: memoryJournal(),
  })
  const { name, version, address: asset } = currency
  const single = createPaywall({
    schemes: [
      exactScheme({ currencies: [{ network, asset, payTo: relayer.address, name, version }], facilitator }),
    ],
  })
  let served = 0
  const server = createServer(
    nodeListener(async (asked) => {
      if (asked.url.endsWith('/plain/')) return new Response('plain')
      if (new URL(asked.url).pathname === '/haggled' || asked.url.endsWith(hagglePath)) return haggled(asked)
      if (asked.url.endsWith('/once'))
        return single.charge(asked, { price: { amount: price / 1000n } }, () => new Response('paid once'))
      const amount = asked.url.endsWith('/dear') ? 3n * price : price
      return paywall.charge(asked, { price: { amount } }, () => {
        served++
        return new Response('paid')
      })
    }),
  )
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const tools = await serveHttp({
    port: 0,
    create() {
      const shop = new McpServer({ name: 'shop', version: '1' })
      for (const [tool, amount] of [
        ['shout', price / 1000n],
        ['sing', 3n * price],
      ] as const)
        shop.registerTool(
          tool,
          { description: 'Says it louder', inputSchema: { text: z.string() } },
          priceTool(single, { tool, price: { amount } }, ({ text }: { text: string }) => ({
            content: [{ type: 'text' as const, text: text.toUpperCase() }],
            isError: text === '',
          })),
        )
      return shop.server
    },
  })
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    ...{ url, tools: tools.url, plain: `${url}/plain` },
    served: () => served,
    async stop() {
      await tools.close()
      server.closeAllConnections()
      server.close()
      await haggling.close()
      await books.close()
      await ledger.close()
      await facilitator.close()
    },
  }
}

let seller: Awaited<ReturnType<typeof startSeller>>
const left: (() => unknown)[] = []

beforeAll(async () => {
  const { status, stderr } = millrace('up', '--detach', '--chain-port', '0', '--gateway-port', '0')
  expect({ status, stderr }).toMatchObject({ status: 0 })
  seller = await startSeller()
}, 300_000)
afterAll(async () => {
  for (const end of left) await end()
  await seller?.stop()
  millrace('down')
  rmSync(home, { recursive: true, force: true, maxRetries: 40, retryDelay: 50 })
  rmSync(work, { recursive: true, force: true, maxRetries: 40, retryDelay: 50 })
}, 120_000)

test('error: it does not start without a budget, nor with one that is none', async () => {
  const { stdout } = millrace('--json', 'mcp', '--per-payment', '1')
  expect(JSON.parse(stdout).error.code).toBe('BUDGET_MISSING')
  const connection = await connect({}, home)
  await expect(openSpendingLimit(connection, { budget: 'much' })).rejects.toMatchObject({
    code: 'AMOUNT_INVALID',
  })
  const nameless = millrace('--json', 'mcp', '--budget', '1', '--tools', 'nameless')
  expect(JSON.parse(nameless.stdout).error.code).toBe('USAGE')
  await expect(openSpendingLimit(connection, { budget: '1', perPayment: '2' })).rejects.toMatchObject({
    code: 'USAGE',
  })
}, 120_000)

describe('stdio, configured as in the guide', () => {
  let client: Client
  beforeAll(async () => {
    client = await connectClient(
      new StdioClientTransport({
        command: process.execPath,
        args: [bin, ...guideArgs(), '--tools', `echo=${echo}`],
        cwd: work,
        env,
        stderr: 'ignore',
      }),
    )
  }, 120_000)
  afterAll(() => client?.close())

  test('default: lists its tools, with closed inputs, as the guide does', async () => {
    const { tools } = await client.listTools()
    const page = readFileSync(guide, 'utf8')
    const named = [...page.matchAll(/^\| `(\w+)` \|/gm)].map(([, name]) => name)
    expect(tools.map(({ name }) => name)).toEqual(named)
    for (const { inputSchema, outputSchema } of tools) {
      expect(inputSchema).toMatchObject({ type: 'object', additionalProperties: false })
      expect(outputSchema).toMatchObject({ type: 'object', additionalProperties: false })
    }
  })

  test('default: searches, quotes, runs a job, brings its outputs back, and counts what it cost', async () => {
    const found = await call(client, 'search_offers', { query: 'cpu_cores>0 region=local' })
    expect(found.value?.offers[0]).toMatchObject({ asset: '1', region: 'local' })
    const script = 'echo hello; mkdir -p out; echo 42 > out/answer'
    const quote = await call(client, 'quote', { command: script, ...small })
    expect(quote.value).toMatchObject({ asset: '1', seconds: 600, within_budget: true })
    const job = { command: script, ...small, wait_seconds: 100 }
    const ran = await call(client, 'hire_and_run', job)
    expect(ran.value).toMatchObject({
      ...{ state: 'done', is_over: true, exit_code: 0, problem: null, log_tail: 'hello\n' },
      outputs: [{ path: 'out/answer', size: 3 }],
      receipt: expect.stringContaining('receipt'),
    })
    expect(readFileSync(join(ran.value?.output_folder, 'out', 'answer'), 'utf8')).toBe('42\n')
    expect(ran.text).toContain('hello')
    const { value: budget } = await call(client, 'budget')
    expect(budget).toMatchObject({ total: '5.00 TUSD', reserved: '0.00 TUSD', spent: ran.value?.paid })
    const { value: balance } = await call(client, 'balance')
    expect(balance).toMatchObject({ network: 'local', wallet: expect.stringMatching(/TUSD$/) })
    const { value: receipts } = await call(client, 'receipts')
    expect(receipts?.leases).toMatchObject([{ lease: ran.value?.lease, paid: ran.value?.paid }])
  }, 180_000)

  test('behavior: a job goes on after the call, is watched, and stopped', async () => {
    await offered(client)
    const job = { command: 'echo started; sleep 600', ...small, wait_seconds: 0 }
    const { value } = await call(client, 'hire_and_run', job)
    const lease = value?.lease
    expect(value?.is_over).toBe(false)
    await expect
      .poll(async () => (await call(client, 'watch', { lease })).value?.log_tail, { timeout: 60_000 })
      .toBe('started\n')
    expect((await call(client, 'budget')).value?.reserved).toBe(value?.most)
    const stopped = await call(client, 'stop_lease', { lease })
    expect(stopped.value).toMatchObject({ lease, is_over: true, state: 'stopped' })
    expect((await call(client, 'budget')).value?.reserved).toBe('0.00 TUSD')
    expect((await call(client, 'stop_lease', { lease })).error).toMatchObject({ code: 'LEASE_STATE' })
  }, 180_000)

  test('error: what is wrong is a tool error with a code, and the server goes on', async () => {
    const code = async (name: string, input: Record<string, unknown>) =>
      (await call(client, name, input)).error?.code
    await offered(client)
    mkdirSync(join(work, 'inside'), { recursive: true })
    expect(await code('pay_everyone', {})).toBe('TOOL_UNKNOWN')
    expect(await code('search_offers', { querry: 'x' })).toBe('INVALID_INPUT')
    expect(await code('search_offers', { query: 'cpu_coers>1' })).toBe('QUERY_INVALID')
    expect(await code('hire_and_run', {})).toBe('USAGE')
    expect(await code('hire_and_run', { command: 'true', budget: '100' })).toBe('INVALID_INPUT')
    expect(await code('hire_and_run', { command: 'true', workdir: '..' })).toBe('PATH_OUTSIDE')
    expect(await code('quote', { task: 'run: "true"\nworkdir: /etc' })).toBe('PATH_OUTSIDE')
    expect(await code('quote', { command: 'true', workdir: 'inside', ...small })).toBeUndefined()
    expect(await code('quote', { command: 'true', where: 'num_gpus>=64' })).toBe('NO_OFFER')
    expect(await code('quote', { command: 'true', duration: 'long' })).toBe('DURATION_INVALID')
    expect(await code('watch', { lease: '0xdead' })).toBe('LEASE_NOT_OURS')
    expect(await code('fetch_paid_url', { url: 'file:///etc/passwd' })).toBe('INVALID_INPUT')
    expect(await code('fetch_paid_url', { url: seller.url, method: 'GET', body: 'x' })).toBe('USAGE')
    expect(await code('fetch_paid_url', { url: 'http://127.0.0.1:1/' })).toBe('URL_UNREACHABLE')
    expect(await code('fetch_paid_url', { url: seller.url, max_price: '0.5' })).toBe('NO_WAY_TO_PAY')
  }, 120_000)

  test('error: BUDGET_EXCEEDED for a payment that is too large, and nothing is paid', async () => {
    await offered(client)
    const before = (await call(client, 'budget')).value
    const { value: quote } = await call(client, 'quote', { command: 'true', duration: '300d' })
    expect(quote).toMatchObject({ within_budget: false })
    const { error } = await call(client, 'hire_and_run', { command: 'true', duration: '300d' })
    expect(error).toMatchObject({
      code: 'BUDGET_EXCEEDED',
      details: { limit: 'perPayment', amount: quote?.most, most: '1.00 TUSD' },
    })
    expect((await call(client, 'fetch_paid_url', { url: `${seller.url}/dear` })).error).toMatchObject({
      code: 'BUDGET_EXCEEDED',
    })
    expect((await call(client, 'budget')).value).toEqual(before)
    expect(seller.served()).toBe(0)
  }, 120_000)

  test('default: pays once, by a transfer that the seller has settled, where there is no channel', async () => {
    const { value } = await call(client, 'fetch_paid_url', { url: `${seller.url}/once` })
    expect(value).toMatchObject({ status: 200, body: 'paid once', paid: '0.001 TUSD', scheme: 'exact' })
    expect(value?.transaction).toMatch(/^0x[0-9a-f]{64}$/)
  }, 120_000)

  test('default: haggles for calls of a URL, pays what was agreed on, and again without a haggle', async () => {
    const url = `${seller.url}/haggled`
    const firm = await call(client, 'fetch_paid_url', { url, haggle: true, most_per_call: '0.001' })
    expect(firm.value).toMatchObject({ body: 'agreed', paid: '0.01 TUSD', list_price: null })
    const { value, text } = await call(client, 'fetch_paid_url', {
      ...{ url: `${url}?first`, haggle: true, most_per_call: '0.009' },
    })
    expect(value).toMatchObject({ body: 'agreed' })
    const { paid } = value ?? {}
    expect(Number.parseFloat(paid)).toBeGreaterThanOrEqual(0.005)
    expect(Number.parseFloat(paid)).toBeLessThanOrEqual(0.009)
    expect(value).toMatchObject({ list_price: '0.01 TUSD' })
    expect(text).toContain(`${paid} paid instead of 0.01 TUSD`)
    const again = await call(client, 'fetch_paid_url', { url })
    expect(again.value).toMatchObject({ body: 'agreed', paid, list_price: '0.01 TUSD' })
  }, 120_000)

  test('default: calls tools of other servers, and pays for those that ask', async () => {
    const { tools: server } = seller
    const listed = await call(client, 'list_paid_tools', { server })
    expect(listed.value?.tools).toMatchObject([{ tool: 'shout', input_schema: { required: ['text'] } }, {}])
    const shout = (text: string, more = {}) =>
      call(client, 'call_paid_tool', { server, tool: 'shout', arguments: { text }, ...more })
    const { value } = await shout('hey', { max_price: '0.001' })
    expect(value).toMatchObject({ is_error: false, paid: '0.001 TUSD', scheme: 'exact' })
    expect(value).toMatchObject({ content: [{ text: 'HEY' }], structured_content: null })
    expect(value?.transaction).toMatch(/^0x[0-9a-f]{64}$/)
    const before = (await call(client, 'budget')).value
    const code = async (name: string, input: Record<string, unknown>) =>
      (await call(client, name, input)).error?.code
    expect((await shout('hey', { max_price: '0.0009' })).error?.code).toBe('NO_WAY_TO_PAY')
    const dear = { server, tool: 'sing', arguments: { text: 'la' } }
    expect(await code('call_paid_tool', dear)).toBe('BUDGET_EXCEEDED')
    expect(await code('list_paid_tools', { server: 'rm -rf /' })).toBe('TOOL_SERVER_UNKNOWN')
    expect(await code('list_paid_tools', { server: 'http://127.0.0.1:1/mcp' })).toBe('TOOL_SERVER_DOWN')
    expect(await code('call_paid_tool', { server: 'http://127.0.0.1:1/mcp', tool: 'x' })).toBe(
      'TOOL_SERVER_DOWN',
    )
    expect((await call(client, 'budget')).value).toEqual(before)
    const unknown = await call(client, 'call_paid_tool', { server, tool: 'whisper' })
    expect(unknown.value).toMatchObject({ is_error: true, paid: '0.00 TUSD' })
    expect(await code('call_paid_tool', { server: 'echo', tool: 'die' })).toBe('TOOL_CALL_FAILED')
    const named = { server: 'echo', tool: 'echo', arguments: { text: 'free' } }
    expect((await call(client, 'call_paid_tool', named)).value).toMatchObject({
      ...{ paid: '0.00 TUSD', scheme: null },
      content: [{ text: 'free' }],
    })
  }, 120_000)

  test('default: sells a service for an asset, whose till is paid', async () => {
    // The account that serves owns none yet; the machine's asset is its operator's.
    const port = new URL(seller.url).port
    const code = async (input: Record<string, unknown>) =>
      (await call(client, 'sell_service', { upstream: seller.plain, price: '0.002', ...input })).error?.code
    expect(await code({ asset: '1' })).toBe('ASSET_FOREIGN')
    expect(await code({ asset: '999' })).toBe('ASSET_FOREIGN')
    expect(await code({ upstream: 'http://10.0.0.1/' })).toBe('USAGE')
    expect(await code({ price: '0' })).toBe('USAGE')
    expect(await code({ port: Number(port) })).toBe('SELL_ADDRESS_TAKEN')
    writeFileSync(join(work, 'service.json'), '{"name":"plain"}')
    const registering = ['asset', 'register', '--kind', 'service', '--spec', 'service.json']
    const asset = String(JSON.parse(millrace('--json', ...registering).stdout).asset)
    const sold = await call(client, 'sell_service', { upstream: seller.plain, price: '0.002', asset })
    const { url, service } = sold.value ?? {}
    expect(sold.value).toMatchObject({ price: '0.002 TUSD', payee: `asset ${asset}`, calls: 0 })
    const second = await call(client, 'sell_service', { upstream: seller.plain, price: '0.003', asset })
    for (const at of [url, url, second.value?.url])
      expect((await call(client, 'fetch_paid_url', { url: at })).value).toMatchObject({
        ...{ body: 'plain', payee: `asset:${asset}` },
      })
    expect((await call(client, 'list_services')).value?.services).toMatchObject([
      { service, calls: 2, earned: '0.004 TUSD' },
      { calls: 1, earned: '0.003 TUSD' },
    ])
    const stop = async (id: string) => call(client, 'stop_service', { service: id })
    expect((await stop(service)).value).toMatchObject({ calls: 2, unclaimed: '0.007 TUSD' })
    expect((await stop(second.value?.service)).value).toMatchObject({ calls: 1, unclaimed: '0.00 TUSD' })
    expect((await stop(service)).error?.code).toBe('SERVICE_MISSING')
    await expect(fetch(url)).rejects.toThrow()
    const till = JSON.parse(millrace('--json', 'till', 'show', asset).stdout)
    expect(JSON.stringify(till)).toContain('"7000"')
  }, 120_000)

  test('default: sells below the price to who haggles, each service down to its own floor', async () => {
    writeFileSync(join(work, 'haggled.json'), '{"name":"haggled"}')
    const registering = ['asset', 'register', '--kind', 'service', '--spec', 'haggled.json']
    const asset = String(JSON.parse(millrace('--json', ...registering).stdout).asset)
    const sell = (input: Record<string, unknown>) =>
      call(client, 'sell_service', { upstream: seller.plain, price: '0.002', asset, ...input })
    for (const floor of ['0', '0.002', '0.1']) expect((await sell({ floor })).error?.code).toBe('USAGE')
    const services = [await sell({ floor: '0.001' }), await sell({ floor: '0.0019' }), await sell({})]
    // What one costs does not change because another is to be sold at its port.
    const taken = await sell({ floor: '0.0001', port: Number(new URL(services[0]?.value?.url).port) })
    expect(taken.error?.code).toBe('SELL_ADDRESS_TAKEN')
    writeFileSync(join(work, 'passphrase'), 'of another buyer')
    const other = ['--json', '--wallet', 'other', '--passphrase-file', join(work, 'passphrase')]
    expect(millrace(...other, 'wallet', 'new', 'other').status).toBe(0)
    expect(millrace(...other, 'wallet', 'faucet', '10').status).toBe(0)
    const paid: unknown[] = []
    for (const { value: sold } of services) {
      // What is sold lies behind this process, which must not wait for the command.
      const args = [...other, 'pay', sold?.url, '--haggle', '--reserve', '0.0015']
      const { stdout } = await promisify(execFile)(process.execPath, [bin, ...args], { cwd: work, env })
      const said = JSON.parse(stdout)
      expect(said).toMatchObject({ body: 'plain', paid: { payee: `asset:${asset}` } })
      paid.push(Number(said.paid.amount))
    }
    // Nobody haggles with itself: the list price.
    const own = await call(client, 'fetch_paid_url', { url: services[0]?.value?.url, haggle: true })
    expect(own.value).toMatchObject({ paid: '0.002 TUSD', list_price: null })
    const [low, ...others] = paid
    expect(low).toBeLessThanOrEqual(1_500)
    expect(low).toBeGreaterThanOrEqual(1_000)
    // The second does not go so low, the third does not haggle.
    expect(others).toEqual([2_000, 2_000])
    const { value } = await call(client, 'list_services')
    expect(value?.services.map(({ calls }: { calls: number }) => calls)).toEqual([2, 1, 1])
    for (const { value: sold } of services) await call(client, 'stop_service', { service: sold?.service })
    expect((await call(client, 'list_services')).value?.services).toEqual([])
  }, 120_000)

  test('error: a second server does not get the budget of the first', async () => {
    const opening = connect({}, home).then((connection) => openSpendingLimit(connection, { budget: '100' }))
    await expect(opening).rejects.toMatchObject({ code: 'JOURNAL_IN_USE' })
  }, 120_000)
})

describe('streamable HTTP', () => {
  let server: ChildProcess
  let url: URL
  /** Starts the server again, with what the home remembers. */
  async function serve(budget: string): Promise<void> {
    server = spawn(process.execPath, [bin, 'mcp', '--budget', budget, '--per-payment', '1', '--http', '0'], {
      ...{ cwd: work, env },
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    const child = server
    left.push(() => child.kill())
    const lines = createInterface({ input: child.stderr as NonNullable<typeof child.stderr> })
    for await (const line of lines) {
      const { url: said } = z.object({ url: z.string() }).parse(JSON.parse(line))
      url = new URL(said)
      break
    }
    child.stderr?.resume()
  }
  const joinServer = () => connectClient(new StreamableHTTPClientTransport(url) as Transport)

  test('error: no client spends more than the budget, in a loop, in parallel, or after a restart', async () => {
    await serve('5')
    const clients = await Promise.all([joinServer(), joinServer()])
    const [first, second] = clients as [Client, Client]
    // Jobs may have taken a little of the five: whole answers remain.
    const remaining = Math.floor(Number.parseFloat((await call(first, 'budget')).value?.left))
    expect(remaining).toBeGreaterThanOrEqual(4)
    const pay = (client: Client) => call(client, 'fetch_paid_url', { url: `${seller.url}/data` })
    const answers = await Promise.all(Array.from({ length: 12 }, (_, turn) => pay(turn % 2 ? first : second)))
    const codes = answers.map(({ error, value }) => error?.code ?? value?.body)
    expect(codes.filter((code) => code === 'paid')).toHaveLength(remaining)
    expect(codes.filter((code) => code === 'BUDGET_EXCEEDED')).toHaveLength(12 - remaining)
    for (let turn = 0; turn < 5; turn++)
      expect((await pay(first)).error).toMatchObject({
        code: 'BUDGET_EXCEEDED',
        message: expect.stringContaining('of the budget of 5.00 TUSD'),
        details: { limit: 'lifetime', amount: '1.00 TUSD', most: '5.00 TUSD' },
      })
    expect(seller.served()).toBe(remaining)
    const { value: receipts } = await call(second, 'receipts')
    const promised = `${remaining}.00 TUSD`
    expect(receipts?.channels).toContainEqual(
      expect.objectContaining({ signed: promised, charged: promised }),
    )
    for (const client of clients) await client.close()
    server.kill()
    await once(server, 'close')

    // What was spent is known again: were it forgotten, four more would be there.
    await serve('4')
    const again = await joinServer()
    expect(await call(again, 'budget')).toMatchObject({ value: { total: '4.00 TUSD', left: '0.00 TUSD' } })
    expect((await pay(again)).error).toMatchObject({ code: 'BUDGET_EXCEEDED' })
    await offered(again)
    const hires = Array.from({ length: 3 }, () => call(again, 'hire_and_run', { command: 'true', ...small }))
    for (const { error } of await Promise.all(hires))
      expect(['BUDGET_EXCEEDED', 'NO_MACHINE']).toContain(error?.code)
    const { error } = await call(again, 'hire_and_run', { command: 'true', ...small })
    expect(error).toMatchObject({ code: 'BUDGET_EXCEEDED', details: { limit: 'lifetime' } })
    expect((await call(again, 'budget')).value?.reserved).toBe('0.00 TUSD')
    await again.close()
  }, 180_000)

  test('error: a page in a browser, and a name that leads here, are refused', async () => {
    const status = async (headers: Record<string, string>, path = '/mcp') => {
      const sent = request({ host: '127.0.0.1', port: url.port, path, method: 'POST', headers })
      sent.end('{}')
      const [response] = await once(sent, 'response')
      response.resume()
      return response.statusCode
    }
    const host = url.host
    expect(await status({ host: `evil.example:${url.port}` })).toBe(403)
    expect(await status({ host: '127.0.0.1:1' })).toBe(403)
    expect(await status({ host, origin: 'https://evil.example' })).toBe(403)
    expect(await status({ host, origin: 'null' })).toBe(403)
    expect(await status({ host }, '/')).toBe(404)
    expect(await status({ host, 'mcp-session-id': 'unknown' })).toBe(404)
    expect(await status({ host: `localhost:${url.port}`, origin: `http://localhost:${url.port}` })).not.toBe(
      403,
    )
  }, 60_000)
})
