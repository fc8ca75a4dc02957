import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { confirm, finalizeClose, getBalance, getChannel, requestClose } from '@millrace/sdk'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { accountAt, startLocalChain } from '../../test/localChain.ts'
import { type ServerTricks, startPaidServer } from '../../test/paidServer.ts'
import { fundChannel } from '../ledger/fundChannel.ts'
import type { Ledger } from '../ledger/ledger.ts'
import { openLedger } from '../ledger/openLedger.ts'
import { startClaimer } from '../ledger/startClaimer.ts'
import { streamScheme } from '../ledger/streamScheme.ts'
import { decodePaymentPayload, headerNames } from '../wire/headers.ts'
import { createPayingFetch, type Payment } from './createPayingFetch.ts'
import { type BudgetLimits, openBudget } from './openBudget.ts'
import { openChannelWallet } from './openChannelWallet.ts'

let chain: Awaited<ReturnType<typeof startLocalChain>>
let folder: string
let ledger: Ledger
let count = 0
const price = 500n
const hot = privateKeyToAccount(generatePrivateKey())

beforeAll(async () => {
  chain = await startLocalChain()
})
afterAll(() => chain?.stop())
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'paying-'))
  // Each test sells as an account of its own, so that its channels are.
  const account = privateKeyToAccount(generatePrivateKey()).address
  ledger = await openLedger({
    ...chain.deployment,
    path: join(folder, 'ledger.jsonl'),
    payee: { account },
    currency: chain.currency.address,
    readChannel,
    fund: (channel, authorization) =>
      fundChannel(chain.walletOf(0), { deployment: chain.deployment, channel, authorization }),
  })
})
afterEach(async () => {
  await ledger.close()
  rmSync(folder, { recursive: true, force: true, maxRetries: 40, retryDelay: 50 })
})

const readChannel = (channel: `0x${string}`) =>
  getChannel(chain.client, { deployment: chain.deployment, channel })
const sell = (tricks: ServerTricks = {}, cost = () => price) =>
  startPaidServer(
    streamScheme({ ledger, deployment: chain.deployment, currency: chain.currency }),
    cost,
    tricks,
  )

async function buyer(
  limits: BudgetLimits = {},
  changes: { wallet?: string; maxDeposit?: bigint; signer?: typeof hot } = {},
) {
  const { deployment, currency } = chain
  const { wallet = `wallet-${count++}.jsonl`, maxDeposit = 1_000_000n } = changes
  const budget = await openBudget({ path: join(folder, `budget-${count++}.jsonl`), limits })
  const channels = await openChannelWallet({
    ...{ path: join(folder, wallet), deployment, currency, budget, readChannel, maxDeposit },
    payer: accountAt(3),
    signer: changes.signer ?? hot,
  })
  const payments: Payment[] = []
  const onPayment = (payment: Payment) => payments.push(payment)
  const fetch = createPayingFetch({ deployment, currency, budget, channels, onPayment })
  const close = async () => {
    await channels.close()
    await budget.close()
  }
  return { fetch, budget, channels, payments, close }
}

test('default: a payer without gas pays call by call, from one channel that its first call opened', async () => {
  const server = await sell()
  const { fetch, budget, channels, payments, close } = await buyer({ perPayment: price, lifetime: 10_000n })
  for (let call = 0; call < 3; call++) expect(await (await fetch(server.url)).text()).toBe('paid')
  expect(payments).toHaveLength(3)
  expect(budget.state()).toMatchObject({ spent: 1_500n, reserved: 0n })
  expect(channels.channels()).toMatchObject([{ deposit: 100_000n, signed: 1_500n, charged: 1_500n }])
  expect(ledger.books()).toMatchObject([{ spent: 1_500n, worth: 1_500n }])
  await close()
  await server.stop()
})

test('behavior: a hundred calls in flight on one channel, all served, all paid once, claimed to the last unit', async () => {
  const server = await sell()
  const { fetch, budget, close } = await buyer()
  const answers = await Promise.all(Array.from({ length: 100 }, () => fetch(server.url)))
  expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200))
  expect(server.served()).toBe(100)
  expect(budget.state().spent).toBe(100n * price)
  expect(ledger.books()).toMatchObject([{ spent: 100n * price, worth: 100n * price }])
  const { deployment, currency } = chain
  const claimer = startClaimer({ ledger, client: chain.walletOf(0), deployment, everyMs: 3_600_000 })
  await claimer.claimNow()
  const account = 'account' in ledger.payee ? ledger.payee.account : accountAt(0).address
  const { till } = await getBalance(chain.client, { deployment, account, currency: currency.address })
  expect(till).toBe(100n * price)
  await claimer.stop()
  await close()
  await server.stop()
})

test('behavior: from the third call of a price on a call is paid by one word, without a signature', async () => {
  const server = await sell()
  let signatures = 0
  const signer: typeof hot = {
    ...hot,
    signTypedData(data) {
      signatures++
      return hot.signTypedData(data)
    },
  }
  const { budget, channels, close } = await buyer({}, { signer })
  const payloads: string[] = []
  const { deployment, currency } = chain
  const fetch = createPayingFetch({
    ...{ deployment, currency, budget, channels },
    fetch: (input, init) => {
      const header = new Request(input, init).headers.get(headerNames.payment)
      if (header !== null) payloads.push(JSON.stringify(decodePaymentPayload(header).payload))
      return globalThis.fetch(input, init)
    },
  })
  for (let call = 0; call < 10; call++) expect((await fetch(server.url)).status).toBe(200)
  expect(signatures).toBe(2)
  expect(payloads.map((text) => text.includes('signature'))).toEqual([true, true, ...Array(8).fill(false)])
  expect(ledger.books()).toMatchObject([{ spent: 10n * price, worth: 10n * price, ticks: 8 }])
  expect(budget.state().spent).toBe(10n * price)
  expect(channels.channels()).toMatchObject([{ signed: 10n * price, charged: 10n * price }])
  await close()
  await server.stop()
})

test('behavior: a wallet that lost its file believes ticks whose word is shown, and no others', async () => {
  const server = await sell()
  const first = await buyer()
  for (let call = 0; call < 6; call++) await first.fetch(server.url)
  await first.close()
  expect(ledger.books()).toMatchObject([{ ticks: 4 }])
  const second = await buyer({}, { wallet: 'lost.jsonl' })
  expect((await second.fetch(server.url)).status).toBe(200)
  expect(second.channels.channels()).toMatchObject([{ signed: 7n * price, charged: 7n * price }])
  await second.close()
  const liar = await sell({
    ask: (required) => {
      const extra = required.accepts[0]?.extra as { channel?: { ticks: number; worth: string } } | undefined
      if (extra?.channel === undefined) return required
      const shown = { ...extra.channel, ticks: extra.channel.ticks + 1, worth: String(8n * price) }
      return change(required, {}, { channel: shown })
    },
  })
  const third = await buyer({}, { wallet: 'lost again.jsonl' })
  await expect(third.fetch(liar.url)).rejects.toMatchObject({ code: 'SNAPSHOT_FORGED' })
  await third.close()
  await liar.stop()
  await server.stop()
})

test('behavior: what was not charged is spent by the next call, and the budget counts what was promised', async () => {
  const server = await sell({ charge: (full) => full / 2n })
  const { fetch, budget, channels, close } = await buyer()
  for (let call = 0; call < 4; call++) await fetch(server.url)
  expect(channels.channels()).toMatchObject([{ charged: 1_000n, signed: 1_250n }])
  expect(budget.state().spent).toBe(1_250n)
  await close()
  await server.stop()
})

test('behavior: an answer that failed without a word of payment is told as one that cost nothing', async () => {
  const server = await sell({ answer: () => new Response('no machine just now', { status: 503 }) })
  const { fetch, channels, payments, close } = await buyer()
  expect((await fetch(server.url)).status).toBe(503)
  expect(payments).toMatchObject([{ amount: 0n, settled: null }])
  expect(channels.channels()).toMatchObject([{ charged: 0n, signed: 500n }])
  await close()
  await server.stop()
})

test('behavior: parallel calls never pass the budget', async () => {
  const server = await sell()
  const { fetch, budget, close } = await buyer({ lifetime: 10n * price })
  const results = await Promise.allSettled(Array.from({ length: 30 }, () => fetch(server.url)))
  const refused = results.filter(({ status }) => status === 'rejected')
  expect(refused.length).toBeGreaterThanOrEqual(20)
  for (const result of refused)
    if (result.status === 'rejected') expect(result.reason).toMatchObject({ code: 'BUDGET_EXCEEDED' })
  expect(budget.state().spent).toBeLessThanOrEqual(10n * price)
  expect(ledger.books()[0]?.worth).toBeLessThanOrEqual(10n * price)
  await close()
  await server.stop()
})

test('behavior: a wallet that lost its file learns what it had signed from the seller, who must prove it', async () => {
  const server = await sell()
  const first = await buyer()
  for (let call = 0; call < 5; call++) await first.fetch(server.url)
  await first.close()
  const second = await buyer({}, { wallet: 'another.jsonl' })
  expect((await second.fetch(server.url)).status).toBe(200)
  expect(second.channels.channels()).toMatchObject([{ signed: 3_000n, charged: 3_000n }])
  await second.close()
  await server.stop()
})

test('behavior: a channel that was closed meanwhile is opened for its next life', async () => {
  const server = await sell()
  const first = await buyer({}, { wallet: 'same.jsonl' })
  await first.fetch(server.url)
  const [own] = first.channels.channels()
  await first.close()
  if (own === undefined) throw new RangeError('no channel')
  const { deployment } = chain
  await confirm(
    chain.walletOf(3),
    await requestClose(chain.walletOf(3), { deployment, channel: own.channel }),
  )
  await chain.client.increaseTime({ seconds: 901 })
  await chain.client.mine({ blocks: 1 })
  await confirm(
    chain.walletOf(3),
    await finalizeClose(chain.walletOf(3), { deployment, channel: own.channel }),
  )
  await ledger.refresh(own.id)
  const second = await buyer({}, { wallet: 'same.jsonl' })
  const time = await chain.client.getBlock()
  // Authorizations are bounded by this machine's clock; the chain's went ahead.
  expect(Number(time.timestamp)).toBeGreaterThan(Math.floor(Date.now() / 1000))
  expect((await second.fetch(server.url)).status).toBe(200)
  expect(second.channels.channels()).toMatchObject([{ epoch: 1n, signed: price }])
  await second.close()
  await server.stop()
})

describe('a hostile server', () => {
  const other = accountAt(4).address
  test.each<[string, ServerTricks, string]>([
    [
      'asks for more than it quoted',
      { ask: (required, time) => change(required, { amount: String(500 * time) }), answer: 'refuse' },
      'QUOTE_CHANGED',
    ],
    [
      'redirects the payee',
      {
        ask: (required, time) => (time === 1 ? required : change(required, { payTo: other })),
        answer: 'refuse',
      },
      'QUOTE_CHANGED',
    ],
    ['asks in an unknown token', { ask: (required) => change(required, { asset: other }) }, 'NO_WAY_TO_PAY'],
    [
      'asks on another chain',
      { ask: (required) => change(required, { network: 'eip155:1' }) },
      'NO_WAY_TO_PAY',
    ],
    [
      'names another contract',
      { ask: (required) => change(required, {}, { channels: other }) },
      'NO_WAY_TO_PAY',
    ],
    [
      'asks for a fortune',
      { ask: (required) => change(required, { amount: '10000000000' }) },
      'BUDGET_EXCEEDED',
    ],
    [
      'asks to be paid for another place',
      { ask: (required) => ({ ...required, resource: { url: 'https://elsewhere.example/' } }) },
      'PAYMENT_REQUIRED_INVALID',
    ],
    ['is paid and asks again, for ever', { answer: 'refuse' }, 'PAYMENT_LOOP'],
  ])('error: %s', async (_, tricks, code) => {
    const server = await sell(tricks)
    const { fetch, budget, close } = await buyer({ perPayment: 100_000n, lifetime: 100_000n })
    await expect(fetch(server.url)).rejects.toMatchObject({ code })
    expect(budget.state().spent).toBeLessThanOrEqual(2n * price)
    await close()
    await server.stop()
  })

  test('error: SnapshotForgedError where it claims what was never signed', async () => {
    const paying = await buyer({ lifetime: 100_000n })
    const server = await sell({
      ask: (required, time) =>
        time === 1
          ? required
          : change(
              required,
              {},
              {
                channel: {
                  ...(required.accepts[0]?.extra?.channel as object | undefined),
                  ...{
                    channel: paying.channels.channels()[0]?.id,
                    epoch: '0',
                    spent: '90000',
                    worth: '90000',
                  },
                  ...{ deposit: '100000', claimed: '0', best: null, ticks: 0 },
                },
              },
            ),
      answer: 'refuse',
    })
    const { fetch, budget, close } = paying
    await expect(fetch(server.url)).rejects.toMatchObject({ code: 'SNAPSHOT_FORGED' })
    expect(budget.state().spent).toBe(price)
    await close()
    await server.stop()
  })

  test('behavior: a redirect is given back, and the payment does not follow it', async () => {
    const elsewhere = await sell()
    const server = await sell({
      answer: () => new Response(null, { status: 307, headers: { location: elsewhere.url } }),
    })
    const { fetch, close } = await buyer()
    expect((await fetch(server.url)).status).toBe(307)
    expect(elsewhere.served()).toBe(0)
    await close()
    await Promise.all([server.stop(), elsewhere.stop()])
  })

  test('behavior: an answer that cannot be read ends the payment, and the next call goes on', async () => {
    let isHostile = true
    const server = await sell({
      ask: (required, time) =>
        isHostile && time > 1 ? { ...required, resource: { url: 'https://elsewhere.example/' } } : required,
      answer: 'refuse',
    })
    const { fetch, close } = await buyer()
    await expect(fetch(server.url)).rejects.toMatchObject({ code: 'PAYMENT_REQUIRED_INVALID' })
    isHostile = false
    await expect(fetch(server.url)).rejects.toMatchObject({ code: 'PAYMENT_LOOP' })
    await close()
    await server.stop()
  })

  test('error: DepositLimitError: no more is locked than the wallet may', async () => {
    const server = await sell({}, () => 2_000n)
    const { fetch, budget, close } = await buyer({}, { maxDeposit: 1_999n })
    await expect(fetch(server.url)).rejects.toMatchObject({ code: 'DEPOSIT_LIMIT' })
    expect(budget.state()).toMatchObject({ spent: 0n, reserved: 0n })
    await close()
    await server.stop()
  })
})

function change(
  required: Parameters<NonNullable<ServerTricks['ask']>>[0],
  fields: Partial<(typeof required)['accepts'][0]>,
  extra: Readonly<Record<string, unknown>> = {},
): typeof required {
  return {
    ...required,
    accepts: required.accepts.map((way) => ({ ...way, ...fields, extra: { ...way.extra, ...extra } })),
  }
}

test('behavior: a deposit that a few calls use up is topped up with words and vouchers alike, one call at a time and many at once', async () => {
  // The seller wants one price in a channel: every call needs money for it, those that are paid by a word too.
  const sold = startPaidServer(
    streamScheme({ ledger, deployment: chain.deployment, currency: chain.currency, deposit: price }),
    () => price,
  )
  const server = await sold
  const { fetch, budget, close } = await buyer()
  for (let call = 0; call < 5; call++) expect(await (await fetch(server.url)).text()).toBe('paid')
  const answers = await Promise.all(Array.from({ length: 6 }, async () => (await fetch(server.url)).text()))
  expect(answers).toEqual(Array.from({ length: 6 }, () => 'paid'))
  expect(ledger.books()[0]).toMatchObject({ worth: 11n * price, spent: 11n * price, deposit: 11n * price })
  expect(budget.state()).toMatchObject({ spent: 11n * price, reserved: 0n })
  await close()
  await server.stop()
})
