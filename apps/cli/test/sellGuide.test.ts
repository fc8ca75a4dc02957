import { type ChildProcess, spawn } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { freePort } from '../src/network/choosePort.ts'
import { createProgram } from '../src/program.ts'

/** The guide's blocks, run as they stand, in their order; only its ports are exchanged for free ones. */
const root = fileURLToPath(new URL('../../..', import.meta.url))
const guide = readFileSync(join(root, 'docs/guides/sell-your-api.md'), 'utf8')
const work = mkdtempSync(join(tmpdir(), 'millrace-guide-'))
const env: Record<string, string | undefined> = {
  ...process.env,
  PATH: `${join(work, 'bin')}:${process.env.PATH}`,
  MILLRACE_HOME: join(work, 'home'),
  MILLRACE_NO_CHALLENGES: '1',
  NO_COLOR: '1',
}
const served: { readonly child: ChildProcess; readonly out: () => string }[] = []
const ports = new Map<string, number>()

interface Block {
  readonly kind: 'sh' | 'sh serve' | 'js'
  readonly text: string
}

const blocks = (): readonly Block[] =>
  [...guide.matchAll(/^```(sh serve|sh|js)\n([\s\S]*?)^```$/gm)].map(([, kind, text = '']) => ({
    kind: kind as Block['kind'],
    text: [...ports].reduce((all, [from, to]) => all.replaceAll(from, String(to)), text),
  }))

/** Starts a block in a shell that ends with its variables on disk, for the next one. */
function shell(text: string): { readonly child: ChildProcess; readonly out: () => string } {
  const kept = join(work, 'env.sh')
  const script = `set -e\n${existsSync(kept) ? `. ${kept}\n` : ''}${text}`
  const child = spawn('bash', ['-c', script], { cwd: work, env, stdio: ['ignore', 'pipe', 'pipe'] })
  let out = ''
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (chunk: Buffer) => {
      out += chunk
    })
  return { child, out: () => out }
}

/** Where the programs of the guide listen, in the order in which they are started. */
const order = ['3000', '4021', '4022', '4023', '4024', '4025', '4026'] as const
/** What the guide's haggle came to, in base units. */
let agreed = 0

async function run(text: string): Promise<string> {
  const { child, out } = shell(`${text}\nexport -p > ${join(work, 'env.sh')}`)
  const code = await new Promise((resolve) => child.once('close', resolve))
  expect(code, `${text}\n${out()}`).toBe(0)
  return out()
}

/** Starts what runs until Ctrl-C, and waits until `port` answers. */
async function start(text: string, port: number): Promise<void> {
  // `exec`, so that a signal reaches the command itself.
  const started = shell(`exec ${text}`)
  served.push(started)
  await expect
    .poll(async () => {
      expect(started.child.exitCode, started.out()).toBeNull()
      return fetch(`http://127.0.0.1:${port}/`).then(
        () => true,
        () => false,
      )
    })
    .toBe(true)
}

async function end(index: number): Promise<string> {
  const { child, out } = served[index] ?? {}
  // One that a signal ended has no exit code.
  if (child?.exitCode === null && child.signalCode === null) {
    const closed = new Promise((resolve) => child.once('close', resolve))
    child.kill('SIGTERM')
    await closed
  }
  return out?.() ?? ''
}

beforeAll(async () => {
  const tsx = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href
  const programs = {
    millrace: `${process.execPath} ${join(root, 'apps/cli/bin/millrace.mjs')}`,
    // The packages' sources, not a build.
    node: `${process.execPath} --conditions=source --import ${tsx}`,
  }
  mkdirSync(join(work, 'bin'))
  for (const [name, command] of Object.entries(programs)) {
    writeFileSync(join(work, 'bin', name), `#!/bin/sh\nexec ${command} "$@"\n`)
    chmodSync(join(work, 'bin', name), 0o755)
  }
  symlinkSync(join(root, 'node_modules'), join(work, 'node_modules'))
  for (const port of order) ports.set(port, (await freePort(0)) ?? 0)
  await run('millrace up --detach --chain-port 0 --gateway-port 0')
}, 300_000)
afterAll(async () => {
  for (const index of served.keys()) await end(index)
  await run('millrace down')
  rmSync(work, { recursive: true, force: true, maxRetries: 40, retryDelay: 50 })
}, 120_000)

test('default: every block of the guide does what the guide says', async () => {
  const outputs: string[] = []
  for (const { kind, text } of blocks()) {
    if (kind === 'js') {
      const file = /^\/\/ (\S+\.mjs)\n/.exec(text)?.[1] ?? 'unnamed'
      writeFileSync(join(work, file), text)
    } else if (kind === 'sh') outputs.push(await run(text))
    else {
      // The proxy must have ended before another process has the same payee's books.
      if (served.length === 2) {
        const said = await end(1)
        expect(said).toContain('Earned 0.007 TUSD.')
        expect(said).toMatch(/Claimed 0\.006 TUSD in 0x/)
      }
      if (served.length >= 3) await end(served.length - 1)
      await start(text.trim(), ports.get(order[served.length] ?? '') ?? 0)
    }
  }
  const [prepared, paid, receipt, bought, stock, hono, plain, words, haggled, ahead] = outputs
  expect(prepared).toContain('100.00 TUSD')
  expect(paid).toContain('{"sky":"clear","path":"/berlin"}\nPaid 0.001 TUSD by stream.')
  expect(paid).toContain('0.002 TUSD of 5.00 TUSD a day are spent.')
  expect(paid).toMatch(/payer .* open .*0\.002 TUSD/)
  expect(receipt).toMatch(/^Signed by 0x\w{40}, who is paid\.\nPaid 1000 base units/)
  expect(bought).toContain('200 {"sky":"clear","path":"/lima"}')
  expect(stock).toContain('200 {"sky":"clear","path":"/tokyo"}')
  expect(hono).toContain('200 {"sky":"clear","path":"/oslo"}\n')
  expect(plain).toMatch(/200 .*\/oslo"\}/)
  expect(words?.match(/data: \[DONE\]/g)).toHaveLength(3)
  const [, price = ''] =
    /^Agreed on (0\.000\d+) TUSD instead of 0\.001 TUSD\.$/m.exec(haggled ?? '') ?? expect.fail(haggled)
  agreed = Math.round(Number(price) * 1e6)
  expect(agreed).toBeGreaterThanOrEqual(600)
  expect(agreed).toBeLessThanOrEqual(900)
  expect(haggled).toContain(`Paid ${price} TUSD by stream.`)
  expect(await end(served.length - 2)).toContain(`Earned ${price} TUSD.`)
  expect(ahead).toContain('{"sky":"clear","path":"/berlin"}\nPaid 0.001 TUSD by stream.')
  expect(await end(served.length - 1)).toContain('Earned 0.001 TUSD.')
}, 300_000)

const json = async (command: string) => {
  const { child, out } = shell(`${command} --json 2>/dev/null`)
  const code = await new Promise((resolve) => child.once('close', resolve))
  return { code, value: JSON.parse(out().trim().split('\n').at(-1) ?? 'null') }
}

test('behavior: what was claimed is in the till account of the seller, and the rest can be claimed by hand', async () => {
  const before = (await json('millrace wallet balance seller')).value.balances[0].till
  // The one-time transfer went to the wallet; six calls through the proxy were claimed, the one that was haggled for, and the last.
  const claimed = `${7_000 + agreed}`
  expect(before).toBe(claimed)
  const { value } = await json('millrace channel ls')
  expect(value.channels).toMatchObject([
    { side: 'payer', state: 'open', claimed },
    { side: 'payee', state: 'open', claimed, claimable: '0' },
  ])
  const closed = await json(`millrace channel close ${value.channels[0].id.slice(0, 12)} --wallet buyer`)
  expect(closed).toMatchObject({ code: 0, value: { state: 'closing' } })
  const early = await json(`millrace channel close ${value.channels[0].id} --wallet buyer`)
  expect(early).toMatchObject({ code: 75, value: { error: { code: 'CHANNEL_STATE' } } })
}, 120_000)

test('behavior: a seller that runs agrees to the end of a channel, which is closed at once', async () => {
  const port = (await freePort(0)) ?? 0
  const command = `millrace sell ${port} --upstream http://127.0.0.1:${ports.get('3000')} --price 0.001 --wallet seller`
  await start(`${command} --claim-at 5`, port)
  const last = served.length - 1
  // The channel of the guide is closing; another payer has its own.
  await run('millrace wallet new second && millrace wallet faucet 10 --wallet second')
  await run(`millrace pay http://127.0.0.1:${port}/rome --wallet second`)
  const { value } = await json('millrace channel ls')
  const fresh = value.channels.find((each: { state: string }) => each.state === 'open')
  const closed = await json(`millrace channel close ${fresh.id} --wallet second`)
  expect(closed).toMatchObject({ code: 0, value: { state: 'none', claimed: '1000' } })
  const { value: after } = await json(`millrace channel show ${fresh.id}`)
  expect(after.channels).toMatchObject([
    { side: 'payer', state: 'none' },
    { side: 'payee', state: 'none' },
  ])
  const balance = (await json('millrace wallet balance second')).value.balances[0]
  expect(BigInt(balance.till) + BigInt(balance.wallet)).toBe(10_000_000n - 1_000n)
  expect(await end(last)).toContain('Earned 0.001 TUSD.')
}, 120_000)

test('behavior: a buyer that goes lower than the floor pays the list price, and a deal is proved by what both signed', async () => {
  const port = (await freePort(0)) ?? 0
  const command = `millrace sell ${port} --upstream http://127.0.0.1:${ports.get('3000')} --price 0.001 --floor 0.0006`
  await start(`${command} --wallet seller`, port)
  // The channel of the guide's buyer is closing.
  await run('millrace wallet new third && millrace wallet faucet 10 --wallet third')
  const url = `http://127.0.0.1:${port}/rome`
  const low = await json(`millrace pay ${url} --wallet third --haggle --reserve 0.0005`)
  expect(low).toMatchObject({ code: 0, value: { status: 200, deal: null, paid: { amount: '1000' } } })
  const said = await run(`millrace pay ${url} --wallet third --haggle --reserve 0.0005`)
  expect(said).toContain('No lower price was agreed on: the list price counts.')
  const { value } = await json(`millrace pay ${url} --wallet third --haggle`)
  const { deal, paid } = value
  expect(deal).toMatchObject({ listPrice: '1000', price: paid.amount, terms: { quantity: '1' } })
  expect(Number(paid.amount)).toBeLessThan(1_000)
  writeFileSync(join(work, 'paid.json'), JSON.stringify(value))
  expect(await run(`millrace receipt paid.json --terms ${deal.hash}`)).toContain(
    `Paid ${paid.amount} base units`,
  )
  await end(served.length - 1)
}, 120_000)

test('behavior: a client of the x402 packages pays a proxy on a channel of x402, and the claims are in the seller’s wallet', async () => {
  const port = (await freePort(0)) ?? 0
  const before = BigInt((await json('millrace wallet balance seller')).value.balances[0].wallet)
  await start(
    `millrace sell ${port} --upstream http://127.0.0.1:${ports.get('3000')} --price 0.001 --wallet seller`,
    port,
  )
  const last = served.length - 1
  writeFileSync(
    join(work, 'stock-batch.mjs'),
    `import { readFileSync } from 'node:fs'
import { BatchSettlementEvmScheme } from '@x402/evm/batch-settlement/client'
import { wrapFetchWithPayment, x402Client } from '@x402/fetch'
import { createPublicClient, http } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'

const { chainId, currencies } = JSON.parse(readFileSync(process.env.DEPLOYMENT, 'utf8'))
const reader = createPublicClient({ transport: http(process.env.RPC_URL) })
const account = privateKeyToAccount(process.env.BUYER_KEY)
const signer = { address: account.address, signTypedData: (data) => account.signTypedData(data), readContract: (call) => reader.readContract(call) }
const network = 'eip155:' + chainId
const client = new x402Client().register(network, new BatchSettlementEvmScheme(signer))
client.setSpendControls({ allowedAssets: [{ network, asset: currencies[0].address, maxAmountPerPayment: '100000' }] })
const fetch = wrapFetchWithPayment(globalThis.fetch, client)
for (const path of ['/a', '/b', '/c']) console.log((await fetch('http://127.0.0.1:${port}' + path)).status)
`,
  )
  expect(await run('node stock-batch.mjs')).toContain('200\n200\n200\n')
  expect(await end(last)).toContain('Earned 0.003 TUSD.')
  const after = BigInt((await json('millrace wallet balance seller')).value.balances[0].wallet)
  expect(after - before).toBe(3_000n)
}, 120_000)

test.each([
  ['pay ftp://127.0.0.1/', 'USAGE', 64],
  ['pay http://127.0.0.1:9/', 'PAY_URL_DOWN', 69],
  ['pay http://127.0.0.1:9/ -H nothing', 'USAGE', 64],
  ['pay http://127.0.0.1:9/ -X GET -d body', 'USAGE', 64],
  ['pay http://127.0.0.1:9/ --max much', 'AMOUNT_INVALID', 64],
  ['sell 0 --price 1', 'USAGE', 64],
  ['sell 0 --upstream http://127.0.0.1:9', 'USAGE', 64],
  ['sell nowhere --upstream http://127.0.0.1:9 --price 1', 'USAGE', 64],
  ['sell 0 --upstream 127.0.0.1:9 --price 1', 'USAGE', 64],
  ['sell 0 --upstream http://127.0.0.1:9 --price 1 --to nobody', 'USAGE', 64],
  ['sell 0 --upstream http://127.0.0.1:9 --price 1 --to 0x0 --asset 1', 'USAGE', 64],
  ['sell 0 --upstream http://127.0.0.1:9 --price 1 --asset 999', 'ASSET_MISSING', 66],
  ['sell 3000 --upstream http://127.0.0.1:9 --price 1', 'SELL_ADDRESS_TAKEN', 77],
  ['sell openai --upstream http://127.0.0.1:9/v1 --price-in 1 --price-out 1', 'UPSTREAM_DOWN', 69],
  ['sell 0 --upstream http://127.0.0.1:9 --per-second 1 --per-megabyte 1', 'USAGE', 64],
  ['sell 0 --upstream http://127.0.0.1:9 --per-megabyte 1 --per-million-tokens 1', 'USAGE', 64],
  ['sell 0 --upstream http://127.0.0.1:9 --per-million-tokens 0', 'USAGE', 64],
  ['sell 0 --upstream http://127.0.0.1:9 --per-second 0', 'USAGE', 64],
  ['sell 0 --upstream http://127.0.0.1:9 --per-second 1 --price 0', 'USAGE', 64],
  ['sell 0 --upstream http://127.0.0.1:9 --per-second 1 --skill x', 'USAGE', 64],
  ['sell 0 --upstream http://127.0.0.1:9 --price 1 --skill a/b', 'USAGE', 64],
  ['sell 0 --upstream http://127.0.0.1:9 --price 1 --floor 1', 'USAGE', 64],
  ['sell 0 --upstream http://127.0.0.1:9 --price 1 --floor 0', 'USAGE', 64],
  ['sell 0 --upstream http://127.0.0.1:9 --per-second 1 --floor 0.5', 'USAGE', 64],
  ['pay http://127.0.0.1:9/ --reserve 1', 'USAGE', 64],
  ['receipt /nowhere', 'RECEIPT_UNREADABLE', 65],
  ['receipt /dev/null', 'RECEIPT_UNREADABLE', 65],
  ['receipt /dev/null --signer me', 'USAGE', 64],
  ['receipt /dev/null --terms 0x00', 'USAGE', 64],
  ['channel show 0xffff', 'CHANNEL_MISSING', 66],
])('error: millrace %s', async (command, code, exitCode) => {
  vi.stubEnv('MILLRACE_HOME', env.MILLRACE_HOME)
  const run = createProgram().parseAsync([
    'node',
    'millrace',
    ...command.replace('3000', `${ports.get('3000')}`).split(' '),
  ])
  await expect(run).rejects.toMatchObject({ code, exitCode })
})
