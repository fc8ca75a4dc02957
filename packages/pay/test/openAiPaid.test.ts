import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { getChannel } from '@millrace/sdk'
import { ExactEvmScheme } from '@x402/evm/exact/client'
import { wrapFetchWithPayment, x402Client } from '@x402/fetch'
import { createWalletClient, http, publicActions } from 'viem'
import { baseSepolia } from 'viem/chains'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { wrapFetchWithPayment as wrapV1 } from 'x402-fetch'
import { createPayingFetch, type Payment } from '../src/buyer/createPayingFetch.ts'
import { openBudget } from '../src/buyer/openBudget.ts'
import { openChannelWallet } from '../src/buyer/openChannelWallet.ts'
import { signExact } from '../src/exact/signExact.ts'
import { memoryJournal } from '../src/facilitator/journal.ts'
import { type Facilitator, openFacilitator } from '../src/facilitator/openFacilitator.ts'
import { fundChannel } from '../src/ledger/fundChannel.ts'
import type { Ledger } from '../src/ledger/ledger.ts'
import { openLedger } from '../src/ledger/openLedger.ts'
import { streamScheme } from '../src/ledger/streamScheme.ts'
import { openAiGateway, serveFetch } from '../src/openai/index.ts'
import { decodeCallReceipt, verifyCallReceipt } from '../src/seller/callReceipt.ts'
import { digestRequest } from '../src/seller/digestRequest.ts'
import { exactScheme } from '../src/seller/exactScheme.ts'
import { mppNonce } from '../src/seller/mppCharge.ts'
import { uptoScheme } from '../src/seller/uptoScheme.ts'
import { decodeChallenge, decodePaymentReceipt, encodeCredential } from '../src/wire/mpp.ts'
import type { PaymentRequirements } from '../src/wire/x402.ts'
import { placeX402Contracts } from '../src/x402/placeX402Contracts.ts'
import { accountAt, etchUsdc, type LocalChain, startLocalChain } from './localChain.ts'
import { beginStream, event, sendCompletion, startUpstream } from './startUpstream.ts'

// Models behind schemes that move money: `exact` in USDC for a fixed price, `stream` in the test dollar for tokens too.
const flat = { id: 'flat', price: { perRequest: 40n, perMillionInput: 0n, perMillionOutput: 0n } }
const metered = {
  id: 'sold',
  price: { perRequest: 5n, perMillionInput: 1_000_000n, perMillionOutput: 3_000_000n },
}
const seller = accountAt(9).address

let chain: LocalChain
let usdc: PaymentRequirements
let folder: string
let facilitator: Facilitator
let ledger: Ledger
let upstream: Awaited<ReturnType<typeof startUpstream>>
let gateway: Awaited<ReturnType<typeof serveFetch>>
let url: string

const readChannel = (channel: `0x${string}`) =>
  getChannel(chain.client, { deployment: chain.deployment, channel })

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'openai-paid-'))
  chain = await startLocalChain(84532)
  usdc = await etchUsdc(chain)
  const { client, deployment, currency } = chain
  const network = usdc.network
  await placeX402Contracts(client)
  facilitator = await openFacilitator({
    chains: [{ network, client, relayer: accountAt(5) }],
    journal: memoryJournal(),
  })
  ledger = await openLedger({
    ...deployment,
    path: join(folder, 'ledger.jsonl'),
    payee: { account: seller },
    currency: currency.address,
    readChannel,
    fund: (channel, authorization) => fundChannel(chain.walletOf(0), { deployment, channel, authorization }),
  })
  const money = { network, asset: usdc.asset as `0x${string}`, payTo: seller, name: 'USDC', version: '2' }
  upstream = await startUpstream(async ({ body }, response) => {
    const usage = { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 }
    if (body.stream !== true) return sendCompletion(response, 'four five', usage)
    beginStream(response)
    response.write(event('four'))
    response.write(event(' five', { usage }))
    response.end('data: [DONE]\n\n')
  })
  gateway = await serveFetch(
    openAiGateway({
      upstream: { url: upstream.url },
      models: [flat, metered].map((model) => ({
        ...model,
        upstreamId: 'inner',
        maxInput: 1000,
        maxOutput: 100,
      })),
      schemes: [
        streamScheme({ ledger, deployment, currency }),
        exactScheme({ currencies: [money], facilitator }),
        uptoScheme({ currencies: [money], facilitator }),
      ],
      receipts: accountAt(9),
      mpp: { secret: new Uint8Array(32).fill(7), realm: 'models.example' },
    }),
  )
  url = `${gateway.url}/v1/completions`
})
afterAll(async () => {
  await gateway?.close()
  await upstream?.close()
  await ledger?.close()
  await facilitator?.close()
  await chain?.stop()
  rmSync(folder, { recursive: true, force: true, maxRetries: 40, retryDelay: 50 })
})

const request = (model: string, more: object = {}) => ({
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ model, prompt: 'one two three', max_tokens: 20, ...more }),
})
const paid = () => chain.balanceOf(seller, usdc.asset as `0x${string}`)

test('exact: @x402/fetch and x402-fetch of v1, unchanged, buy a completion, each told in its own way', async () => {
  const v2 = wrapFetchWithPayment(
    fetch,
    new x402Client().register('eip155:84532', new ExactEvmScheme(accountAt(1))),
  )
  const wallet = createWalletClient({
    account: accountAt(2),
    chain: baseSepolia,
    transport: http(chain.url),
  }).extend(publicActions)
  const v1 = wrapV1(fetch, wallet as never)
  for (const [pay, header] of [
    [v2, 'PAYMENT-RESPONSE'],
    [v1, 'X-PAYMENT-RESPONSE'],
  ] as const) {
    const before = await paid()
    const response = await pay(url, request('flat'))
    expect(response.status).toBe(200)
    expect(await response.json()).toMatchObject({ model: 'flat', choices: [{ text: 'four five' }] })
    expect(JSON.parse(atob(response.headers.get(header) ?? ''))).toMatchObject({ success: true })
    expect(await paid()).toBe(before + 40n)
  }
})

test('exact by MPP: a challenge is answered, and the receipt is its own', async () => {
  const unpaid = await fetch(url, request('flat'))
  expect(unpaid.status).toBe(402)
  const challenge = decodeChallenge(unpaid.headers.get('WWW-Authenticate') ?? '')
  const now = Math.floor(Date.now() / 1000)
  const requirements = { ...usdc, amount: '40' }
  const { payload } = await signExact(accountAt(3), { requirements, now, nonce: mppNonce(challenge) })
  const credential = encodeCredential({ challenge, payload: { type: 'authorization', ...payload } })
  const { headers, ...rest } = request('flat')
  const before = await paid()
  const response = await fetch(url, { ...rest, headers: { ...headers, Authorization: credential } })
  expect(response.status).toBe(200)
  expect(decodePaymentReceipt(response.headers.get('Payment-Receipt') ?? '')).toMatchObject({
    status: 'success',
    method: 'evm',
  })
  expect(await paid()).toBe(before + 40n)
  const again = await fetch(url, { ...rest, headers: { ...headers, Authorization: credential } })
  expect(again.status).toBe(402)
  expect(await paid()).toBe(before + 40n)
})

test('stream: our fetch buys by the token on a channel, whole and streamed, and pays what was delivered', async () => {
  const { deployment, currency } = chain
  const budget = await openBudget({ path: join(folder, 'budget.jsonl'), limits: { lifetime: 1_000_000n } })
  const channels = await openChannelWallet({
    ...{ path: join(folder, 'wallet.jsonl'), deployment, currency, budget, readChannel },
    ...{ maxDeposit: 1_000_000n, payer: accountAt(4), signer: accountAt(4) },
  })
  const payments: Payment[] = []
  const pay = createPayingFetch({
    ...{ deployment, currency, budget, channels },
    onPayment: (payment) => payments.push(payment),
  })
  const whole = await pay(url, request('sold'))
  expect([whole.status, await whole.json()]).toMatchObject([200, { choices: [{ text: 'four five' }] }])
  // 5 for the call, 3 tokens in at 1, 2 tokens out at 3.
  expect(payments).toMatchObject([{ scheme: 'stream', amount: 14n, settled: { success: true } }])
  expect(ledger.books()).toMatchObject([{ spent: 14n }])
  await verifyReceipt(whole.headers.get('millrace-receipt'), request('sold'))
  const streamed = await pay(url, request('sold', { stream: true }))
  const text = await streamed.text()
  expect(text).toMatch(/four.*five.*\n\n: payment-response \S+\n: millrace-receipt \S+\n\ndata: \[DONE\]/s)
  await verifyReceipt(
    /^: millrace-receipt (\S+)$/m.exec(text)?.[1] ?? null,
    request('sold', { stream: true }),
  )
  expect(ledger.books()).toMatchObject([{ spent: 28n }])
  await channels.close()
  await budget.close()
})

/** What the seller confirms of a call that cost 14 units, whole or streamed, is signed and about this very request. */
async function verifyReceipt(header: string | null, { body }: { readonly body: string }) {
  const signed = decodeCallReceipt(header ?? '')
  const digest = digestRequest({ method: 'POST', url, body: new TextEncoder().encode(body) })
  await verifyCallReceipt(signed, { seller, request: digest, most: 14n })
  expect(signed.receipt).toMatchObject({ amount: 14n, payee: seller })
}

test.each([{}, { stream: true }])(
  'upto: a ceiling is signed, and what was delivered is taken ($stream)',
  async (kind) => {
    const { deployment, currency, client } = chain
    const budget = await openBudget({ path: join(folder, `upto-${kind.stream}.jsonl`), limits: {} })
    const pay = createPayingFetch({
      ...{ deployment, budget, client, signer: accountAt(2) },
      currency: { ...currency, address: usdc.asset as `0x${string}` },
    })
    const before = await paid()
    const answer = await pay(url, request('sold', kind))
    expect([answer.status, await answer.text()]).toEqual([200, expect.stringContaining('four')])
    expect(await paid()).toBe(before + 14n)
    // A streamed answer is charged at its end, and says so there: the budget counts the ceiling.
    if (kind.stream === undefined) expect(budget.state()).toMatchObject({ spent: 14n, reserved: 0n })
    else expect(budget.state().spent).toBeGreaterThanOrEqual(14n)
    await budget.close()
  },
)
