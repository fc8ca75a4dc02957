import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import {
  confirm,
  fundChannelAsAgent,
  hashOffer,
  type Offer,
  openLeaseAsAgent,
  registerAsset,
  registeredAsset,
  signOffer,
} from '@millrace/sdk'
import { zeroAddress, zeroHash } from 'viem'
import { generatePrivateKey, privateKeyToAddress } from 'viem/accounts'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Connection, connect } from '../src/connection/connect.ts'
import { openAccount } from '../src/connection/openAccount.ts'

/** The command as child processes, on a network of its own; the guardian has a home of its own on the same network. */
const bin = fileURLToPath(new URL('../bin/millrace.mjs', import.meta.url))
const work = mkdtempSync(join(tmpdir(), 'millrace-ruling-'))
const home = join(work, 'home')
const passphraseFile = join(work, 'passphrase')
const payee = '0x00000000000000000000000000000000000000fe'
const stranger = '0x00000000000000000000000000000000000000ff'
const float = privateKeyToAddress(generatePrivateKey())

async function millrace(command: string, from = home) {
  const child = spawn(process.execPath, [bin, '--json', ...words(command)], {
    cwd: work,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, MILLRACE_HOME: from, MILLRACE_PASSPHRASE: 'a passphrase of the test' },
  })
  let [out, err] = ['', '']
  child.stdout.on('data', (chunk: Buffer) => {
    out += chunk
  })
  child.stderr.on('data', (chunk: Buffer) => {
    err += chunk
  })
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve))
  return { code, out, err }
}

/** Splits at spaces, except between quotes. */
const words = (command: string) =>
  [...command.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '')

async function done(command: string, from = home) {
  const { code, out, err } = await millrace(command, from)
  expect({ command, code, err: code === 0 ? '' : err }).toEqual({ command, code: 0, err: '' })
  return JSON.parse(out.trim().split('\n').at(-1) ?? 'null')
}

async function refused(command: string, reason: string, from = home) {
  const { code, out, err } = await millrace(command, from)
  expect({ command, refused: code !== 0, said: `${out}${err}` }).toEqual({
    command,
    refused: true,
    said: expect.stringContaining(`"${reason}"`),
  })
}

let connection: Connection
beforeAll(async () => {
  writeFileSync(passphraseFile, 'a passphrase of the test')
  await done('up --detach --without-node --chain-port 0 --gateway-port 0')
  for (const wallet of ['bot', 'guard']) {
    await done(`wallet new ${wallet}`)
    await done(`wallet faucet 10 --wallet ${wallet}`)
  }
  connection = await connect({}, home)
}, 300_000)
afterAll(async () => {
  await millrace('down')
  rmSync(work, { recursive: true, force: true, maxRetries: 40, retryDelay: 50 })
}, 120_000)

const limits = '--per-period 5 --budget 50 --approve-above 1 --fund 20'

describe("who rules an agent's wallet", () => {
  test('default: a guardian in a home of its own sees what was announced, and vetoes it', async () => {
    const { account, agent } = await done(`agent new kept --agent bot --guardian guard --delay 1h ${limits}`)
    await done('agent policy kept --per-period 10')
    await done(`agent allow kept --to ${payee} --to 7 --service 'POST https://api.example/v1/ask'`)
    const { changes } = await done('agent changes kept')
    expect(changes).toMatchObject([
      { change: { type: 'allow', services: [expect.stringMatching(/^0x/)] } },
      { change: { type: 'policy', policy: { perPeriod: '10000000' } } },
    ])
    expect(changes[0].change.counterparties).toEqual([String(BigInt(payee)), String((1n << 255n) + 7n)])
    const [list, policy] = changes.map(({ hash }: { hash: string }) => hash)
    await refused('agent veto kept', 'CHANGE_AMBIGUOUS')
    await refused(`agent veto kept ${zeroHash}`, 'CHANGE_MISSING')
    await refused(`agent veto kept ${list} --wallet bot`, 'NOT_OWNER_OR_GUARDIAN')
    await refused(`agent apply kept ${list}`, 'POLICY_WAITS')

    // The guardian's home knows the network by its settings, its own key, and the wallet by name.
    const guards = join(work, 'guards')
    const { chainId, assets, till, market, channels, currencies, agents } = connection.deployment
    // Makes the folders.
    await done('wallet new warden', guards)
    const contracts = { assets, till, market, channels, currency: currencies[0]?.address, agents }
    writeFileSync(
      join(guards, 'config.yaml'),
      JSON.stringify({
        network: 'far',
        networks: { far: { chainId, rpc: connection.rpc, gateways: connection.gateways, contracts } },
      }),
    )
    const key = readFileSync(join(home, 'wallets', 'guard.json'), 'utf8')
    writeFileSync(join(guards, 'wallets', 'guard.json'), key, { mode: 0o600 })
    await refused(`agent add theirs --account ${account} --agent ${stranger}`, 'AGENT_UNKNOWN', guards)
    await refused(`agent add theirs --account ${stranger} --agent ${agent}`, 'AGENT_UNKNOWN', guards)
    await done(`agent add theirs --account ${account} --agent ${agent}`, guards)
    expect((await done('agent changes theirs', guards)).changes).toHaveLength(2)
    await done(`agent veto theirs ${list.slice(0, 14)} --wallet guard`, guards)
    await done('agent veto theirs --wallet guard', guards)
    expect((await done('agent changes theirs', guards)).changes).toEqual([])
    await refused(`agent apply kept ${policy}`, 'CHANGE_MISSING')
    await refused('agent policy kept --apply', 'POLICY_UNANNOUNCED')
    await done('agent pause theirs --wallet guard', guards)
    expect((await done('agent show kept')).paused).toBe(true)
  }, 600_000)

  test('default: lists are looked at, added to after the delay and taken from at once', async () => {
    const ask = "'POST https://api.example/v1/ask'"
    await done(`agent new listed --agent bot --delay 1s ${limits} --to ${payee}`)
    await done(`agent pay listed ${payee} 0.25`)
    await refused(`agent pay listed ${stranger} 0.25`, 'COUNTERPARTY_NOT_ALLOWED')
    expect((await done(`agent show listed --to ${stranger}`)).toward).toMatchObject({ allowed: false })
    const { toward } = await done(`agent show listed --to ${payee}`)
    expect(toward.allowed).toBe(true)
    // 0.25 went, and the bucket leaks.
    expect(BigInt(toward.spendable)).toBeGreaterThanOrEqual(4_750_000n)
    expect(BigInt(toward.spendable)).toBeLessThan(5_000_001n)
    await done(`agent allow listed --to ${stranger} --service ${ask}`)
    await expect.poll(async () => (await millrace('agent apply listed')).code).toBe(0)
    await done(`agent pay listed ${stranger} 0.25`)
    // Tighter at once.
    await done('agent policy listed --services listed')
    await refused(`agent pay listed ${payee} 0.25`, 'SERVICE_NOT_ALLOWED')
    await done(`agent pay listed ${payee} 0.25 --service ${ask}`)
    await done(`agent forbid listed --to ${stranger} --service ${ask}`)
    await refused(`agent pay listed ${payee} 0.25 --service ${ask}`, 'SERVICE_NOT_ALLOWED')
    await refused(`agent pay listed ${stranger} 0.25`, 'COUNTERPARTY_NOT_ALLOWED')
    expect(await done('agent policy listed --counterparties any')).toMatchObject({ state: 'announced' })
    await refused('agent allow listed', 'USAGE')
    await refused('agent allow listed --to nowhere', 'USAGE')
    await refused('agent forbid listed --service https://api.example/v1/ask', 'USAGE')
    await refused('agent policy listed --counterparties some', 'USAGE')
  }, 600_000)
})

describe("where an agent's money is", () => {
  test('default: money goes in and out, and to the float within its limits', async () => {
    await done(`agent new filled --agent bot --delay 1h ${limits} --float ${float} --float-per-period 2`)
    expect(await done('agent fund filled 5')).toMatchObject({ funded: '5000000', balance: '25000000' })
    expect(await done('agent withdraw filled 4')).toMatchObject({ withdrawn: '4000000', balance: '21000000' })
    await refused('agent withdraw filled 1 --wallet bot', 'NOT_ACCOUNT_OWNER')
    await refused('agent withdraw filled 100', 'NOT_ENOUGH_MONEY')
    expect(await done('agent float filled 0.5')).toMatchObject({ float, amount: '500000' })
    await refused('agent float filled 1.25', 'APPROVAL_MISSING')
    const { out } = await millrace('agent approve filled float 1.25')
    writeFileSync(join(work, 'approval.json'), out)
    await done('agent float filled 1.25 --approval approval.json')
    await refused('agent float filled 0.5', 'FLOAT_EXCEEDED')
    expect(await done('agent show filled')).toMatchObject({ balance: '19250000', exposure: '1750000' })
    // Another float is looser, none is tighter.
    expect(await done(`agent policy filled --float ${payee}`)).toMatchObject({ state: 'announced' })
    expect(await done('agent policy filled --float none')).toMatchObject({ state: 'in force' })
    await refused('agent float filled 0.1', 'FLOAT_UNSET')
    await refused('agent approve filled float 0.1', 'USAGE')
    await done('agent withdraw filled all')
    expect(await done('agent show filled')).toMatchObject({ balance: '0' })
  }, 600_000)

  test('default: channels and leases are shown as they stand, and a pause asks for the end of channels', async () => {
    const { account } = await done(`agent new spread --agent bot --delay 1h ${limits}`)
    const { deployment, currency } = connection
    const bot = await openAccount(connection, { wallet: 'bot', passphraseFile })
    const demo = await openAccount(connection, {})
    const wallet = { account }
    const channel = {
      ...({ payer: account, signer: bot.account.address, payee: payee, asset: 0n } as const),
      ...{ currency: currency.address, closeDelay: 900, salt: zeroHash },
    }
    await confirm(
      bot.client,
      await fundChannelAsAgent(bot.client, { wallet, channel, amount: 600_000n, ref: 0n }),
    )
    const registered = await confirm(
      demo.client,
      await registerAsset(demo.client, {
        ...{ deployment, owner: demo.account.address, operator: demo.account.address, kind: 'machine' },
        ...{ device: float, currency: currency.address, spec: zeroHash, uri: 'ipfs://machine' },
      }),
    )
    const asset = registeredAsset(registered) ?? 0n
    const offer: Offer = {
      ...{ asset, buyer: zeroAddress, pricePerHour: 600_000n, bond: 0n, minDuration: 60, maxDuration: 3_600 },
      ...{ startWindow: 600, expiry: 2 ** 40 - 1, spec: zeroHash, terms: zeroHash, nonce: 0n },
    }
    const signature = await signOffer(demo.account, offer, deployment)
    await confirm(
      bot.client,
      await openLeaseAsAgent(bot.client, { wallet, offer, signature, duration: 3_600, ref: 1n }),
    )
    const lease = hashOffer(offer, deployment)
    const show = () => done('agent show spread')
    await expect.poll(async () => (await show()).leases.length + (await show()).channels.length).toBe(2)
    expect(await show()).toMatchObject({
      channels: [{ state: 'open', deposit: '600000', claimed: '0', payee }],
      leases: [{ id: lease, state: 'open', deposit: '600000' }],
      exposure: '1200000',
      gateway: connection.gateways[0],
    })
    // A gateway that answers nothing hides them, and the bound stays above the truth.
    const blind = await done('agent show spread --gateway http://127.0.0.1:9')
    expect(blind).toMatchObject({ channels: [], leases: [], exposure: '1200000', gateway: null })

    const paused = await done('agent pause spread')
    expect(paused).toMatchObject({ paused: true, leases: [lease] })
    expect(paused.closing).toHaveLength(1)
    await expect.poll(async () => (await show()).channels[0]?.state).toBe('closing')
    await refused(`agent stop-lease spread ${zeroHash}`, 'AGENT_LEASE_MISSING')
    await refused(`agent stop-lease spread ${lease} --wallet guard`, 'LEASE_FOREIGN')
    await done(`agent stop-lease spread ${lease.slice(0, 14)}`)
    // It never started: all of it comes back.
    expect(await show()).toMatchObject({ exposure: '600000' })
  }, 600_000)
})
