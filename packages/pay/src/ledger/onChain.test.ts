import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  approveCurrency,
  approveModule,
  type Channel,
  closeChannel,
  confirm,
  createTickChain,
  depositToTill,
  finalizeClose,
  getBalance,
  getChannel,
  getTill,
  hashChannel,
  openChannel,
  registerAsset,
  registeredAsset,
  requestClose,
  signChannelAuthorization,
  signVoucher,
  topUpChannel,
  type Voucher,
} from '@millrace/sdk'
import { type Hash, zeroAddress, zeroHash } from 'viem'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { accountAt, startLocalChain } from '../../test/localChain.ts'
import { fundChannel } from './fundChannel.ts'
import type { Ledger } from './ledger.ts'
import { openLedger } from './openLedger.ts'
import { type ClaimEvent, claimOf, startClaimer } from './startClaimer.ts'

let chain: Awaited<ReturnType<typeof startLocalChain>>
let folder: string
let asset: bigint

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ledger-'))
  chain = await startLocalChain(31_337, { epochLength: 86_400 })
  const { deployment, currency } = chain
  const operator = accountAt(1).address
  const registration = await registerAsset(chain.walletOf(1), {
    ...{ deployment, owner: operator, operator, kind: 'service', device: zeroAddress },
    ...{ currency: currency.address, spec: zeroHash, uri: 'https://service.example' },
  })
  asset = registeredAsset(await confirm(chain.client, registration)) ?? 0n
  const wallet = chain.walletOf(2)
  const amount = 100_000_000n
  await confirm(wallet, await approveCurrency(wallet, { deployment, currency: currency.address, amount }))
  await confirm(wallet, await depositToTill(wallet, { deployment, currency: currency.address, amount }))
  await confirm(
    wallet,
    await approveModule(wallet, { deployment, module: deployment.channels, approved: true }),
  )
})
afterAll(async () => {
  await chain?.stop()
  rmSync(folder, { recursive: true, force: true, maxRetries: 40, retryDelay: 50 })
})

const hot = privateKeyToAccount(generatePrivateKey())
const channelTo = (payer: number, changes: Partial<Channel> = {}): Channel => ({
  ...{ payer: accountAt(payer).address, signer: hot.address, payee: zeroAddress, asset },
  ...{ currency: chain.currency.address, closeDelay: 900, salt: zeroHash },
  ...changes,
})

async function signed(channel: Channel, cumulative: bigint, changes: Partial<Voucher> = {}) {
  const { deployment } = chain
  const id = hashChannel(channel, deployment)
  const { epoch } = await getChannel(chain.client, { deployment, channel: id })
  const nothing = { anchor: zeroHash, tickPrice: 0n, maxTicks: 0, terms: zeroHash }
  const voucher: Voucher = { channel: id, epoch, cumulative, ...nothing, ...changes }
  return { channel, voucher, signature: await signVoucher(hot, voucher, deployment) }
}

const open = (name: string): Promise<Ledger> =>
  openLedger({
    ...chain.deployment,
    path: join(folder, `${name}.jsonl`),
    payee: { asset },
    currency: chain.currency.address,
    readChannel: (channel) => getChannel(chain.client, { deployment: chain.deployment, channel }),
    fund: (channel, authorization) =>
      fundChannel(chain.walletOf(0), { deployment: chain.deployment, channel, authorization }),
  })

const earned = async () =>
  (await getTill(chain.client, { deployment: chain.deployment, asset })).bucket.amount
const lockedNow = async () =>
  (
    await getBalance(chain.client, {
      deployment: chain.deployment,
      account: chain.deployment.channels,
      currency: chain.currency.address,
    })
  ).till

test('default: a payer without gas opens a channel by its first payment, and 200 calls in flight are paid once each', async () => {
  const { deployment, currency } = chain
  const ledger = await open('flight')
  const channel = channelTo(3)
  const funding = await signChannelAuthorization(accountAt(3), {
    ...{ deployment, currency, channel, amount: 5_000_000n },
    validBefore: BigInt(Math.floor(Date.now() / 1000) + 3600),
  })
  const first = await ledger.hold({ ...(await signed(channel, 1_000n)), funding }, 1_000n)
  first.capture(1_000n)
  const payments = await Promise.all(
    Array.from({ length: 200 }, (_, index) => signed(channel, 1_000n + BigInt(index + 1) * 500n)),
  )
  // All at once, each as its request arrives: those whose voucher is late find their sum promised by a later one.
  const holds = await Promise.all(payments.toReversed().map((payment) => ledger.hold(payment, 500n)))
  for (const hold of holds) hold.capture(500n)
  expect(ledger.books()).toMatchObject([{ spent: 101_000n, worth: 101_000n, deposit: 5_000_000n }])

  const events: ClaimEvent[] = []
  const claimer = startClaimer({
    ...{ ledger, client: chain.walletOf(0), deployment, everyMs: 3_600_000 },
    costOf: async () => 1_000_000n,
    onEvent: (event) => events.push(event),
  })
  const before = await earned()
  await claimer.claimNow()
  expect(await earned()).toBe(before)
  await claimer.claimNow({ all: true })
  expect(await earned()).toBe(before + 101_000n)
  // Nothing is due twice.
  await claimer.claimNow({ all: true })
  expect(events.filter(({ event }) => event === 'claimed')).toHaveLength(1)

  // The payee gives up the rest; the payer has it in its till account.
  const operator = chain.walletOf(1)
  await confirm(operator, await closeChannel(operator, { deployment, channel }))
  const { till } = await getBalance(chain.client, {
    ...{ deployment, account: channel.payer, currency: currency.address },
  })
  expect(till).toBe(5_000_000n - 101_000n)
  await ledger.refresh(first.channel)
  await expect(ledger.hold(payments[0] as (typeof payments)[0], 1n)).rejects.toMatchObject({
    code: 'CHANNEL_NOT_OPEN',
  })
  await claimer.stop()
  await ledger.close()
})

test('behavior: ticks are claimed with the voucher behind them', async () => {
  const { deployment } = chain
  const ledger = await open('ticks')
  const channel = channelTo(2)
  const payer = chain.walletOf(2)
  await confirm(payer, await openChannel(payer, { deployment, channel, amount: 10_000n }))
  const words = createTickChain(generatePrivateKey(), 1_000)
  const voucher = await signed(channel, 100n, { anchor: words.anchor, tickPrice: 7n, maxTicks: 1_000 })
  const hold = await ledger.hold(voucher, 100n)
  for (let ticks = 1; ticks <= 500; ticks++) {
    await ledger.accept({ ...voucher, tick: { word: words.word(ticks), ticks } })
    expect(hold.extend(7n)).toBe(true)
  }
  hold.capture(100n + 3_500n)
  const claimer = startClaimer({ ledger, client: chain.walletOf(0), deployment, everyMs: 3_600_000 })
  const before = await earned()
  await claimer.claimNow()
  expect((await earned()) - before).toBe(3_600n)
  await claimer.stop()
  await ledger.close()
})

test('behavior: a payer that closes in the middle is claimed in time, whatever it costs, and gets the rest back', async () => {
  const { deployment } = chain
  const ledger = await open('closing')
  const channel = channelTo(2, { salt: `0x${'01'.repeat(32)}` as Hash })
  const payer = chain.walletOf(2)
  await confirm(payer, await openChannel(payer, { deployment, channel, amount: 10_000n }))
  const hold = await ledger.hold(await signed(channel, 4_000n), 4_000n)
  await confirm(payer, await requestClose(payer, { deployment, channel }))
  const events: ClaimEvent[] = []
  const claimer = startClaimer({
    ...{ ledger, client: chain.walletOf(0), deployment, everyMs: 50 },
    costOf: async () => 10n ** 18n,
    onEvent: (event) => events.push(event),
  })
  await expect.poll(() => events.map(({ event }) => event), { timeout: 60_000 }).toContain('claimed')
  expect(events[0]).toMatchObject({ event: 'closing', channel: hold.channel })
  await expect(ledger.hold(await signed(channel, 5_000n), 1n)).rejects.toMatchObject({
    code: 'CHANNEL_NOT_OPEN',
  })
  hold.capture(4_000n)
  await chain.client.increaseTime({ seconds: 901 })
  await chain.client.mine({ blocks: 1 })
  const account = { deployment, account: channel.payer, currency: chain.currency.address }
  const before = await getBalance(chain.client, account)
  await confirm(payer, await finalizeClose(payer, { deployment, channel }))
  expect((await getBalance(chain.client, account)).till - before.till).toBe(6_000n)
  // Its life is over, and so is its book.
  await expect.poll(() => ledger.book(hold.channel), { timeout: 60_000 }).toBeUndefined()
  await claimer.stop()
  await ledger.close()
})

test('behavior: a top-up is seen when a voucher needs it', async () => {
  const { deployment } = chain
  const ledger = await open('top-up')
  const channel = channelTo(2, { salt: `0x${'02'.repeat(32)}` as Hash })
  const payer = chain.walletOf(2)
  await confirm(payer, await openChannel(payer, { deployment, channel, amount: 1_000n }))
  await ledger.hold(await signed(channel, 1_000n), 1_000n)
  await expect(ledger.hold(await signed(channel, 1_500n), 500n)).rejects.toMatchObject({
    code: 'DEPOSIT_TOO_LOW',
    details: { worth: 1_500n, deposit: 1_000n },
  })
  await confirm(payer, await topUpChannel(payer, { deployment, channel, amount: 500n }))
  expect((await ledger.hold(await signed(channel, 1_500n), 500n)).held).toBe(500n)
  const [claim] = ledger.books().flatMap(claimOf)
  expect(claim?.voucher.cumulative).toBe(1_500n)
  await ledger.close()
})

test('behavior: a payer that was claimed in full, closes and spends the old deposit again is not served', async () => {
  const { deployment } = chain
  const ledger = await open('dead')
  const channel = channelTo(2, { salt: `0x${'03'.repeat(32)}` as Hash })
  const payer = chain.walletOf(2)
  await confirm(payer, await openChannel(payer, { deployment, channel, amount: 10_000n }))
  const first = await ledger.hold(await signed(channel, 100n), 100n)
  first.capture(100n)
  const later = await signed(channel, 10_000n)
  const claimer = startClaimer({ ledger, client: chain.walletOf(0), deployment, everyMs: 3_600_000 })
  await claimer.claimNow({ all: true })
  await confirm(payer, await requestClose(payer, { deployment, channel }))
  await claimer.claimNow()
  await chain.client.increaseTime({ seconds: 901 })
  await chain.client.mine({ blocks: 1 })
  await confirm(payer, await finalizeClose(payer, { deployment, channel }))
  await expect(ledger.hold(later, 9_900n)).rejects.toMatchObject({ code: 'CHANNEL_NOT_OPEN' })
  await claimer.claimNow()
  expect(ledger.book(first.channel)).toBeUndefined()
  await claimer.stop()
  await ledger.close()
})

test('behavior: what the channels hold is what is open and not claimed', async () => {
  const { deployment } = chain
  let expected = 0n
  for (const salt of [zeroHash, `0x${'02'.repeat(32)}` as Hash]) {
    const id = hashChannel(channelTo(2, { salt }), deployment)
    const { deposit, claimed } = await getChannel(chain.client, { deployment, channel: id })
    expected += deposit - claimed
  }
  expect(await lockedNow()).toBe(expected)
})
