import { mkdtempSync, rmSync } from 'node:fs'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { serve } from '@hono/node-server'
import { HTTPFacilitatorClient, x402ResourceServer } from '@x402/core/server'
import { BatchSettlementEvmScheme as StockClientScheme } from '@x402/evm/batch-settlement/client'
import { BatchSettlementEvmScheme as StockServerScheme } from '@x402/evm/batch-settlement/server'
import { decodePaymentResponseHeader, wrapFetchWithPayment, x402Client } from '@x402/fetch'
import { paymentMiddleware } from '@x402/hono'
import { Hono } from 'hono'
import type { Address } from 'viem'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { batchScheme } from '../src/batch/batchScheme.ts'
import { openBatchLedger } from '../src/batch/openBatchLedger.ts'
import { readBatchChannel } from '../src/batch/readBatchChannel.ts'
import { type BatchClaimEvent, startBatchClaimer } from '../src/batch/startBatchClaimer.ts'
import { askForRefund } from '../src/buyer/askForRefund.ts'
import type { BatchWallet } from '../src/buyer/batchWallet.ts'
import { createPayingFetch, type Payment } from '../src/buyer/createPayingFetch.ts'
import { openBatchWallet } from '../src/buyer/openBatchWallet.ts'
import { type Budget, type BudgetLimits, openBudget } from '../src/buyer/openBudget.ts'
import { httpFacilitator } from '../src/seller/httpFacilitator.ts'
import type { PaymentRequirements } from '../src/wire/x402.ts'
import { placeX402Contracts } from '../src/x402/placeX402Contracts.ts'
import { etchUsdc, type LocalChain, startLocalChain } from './localChain.ts'
import { type ServerTricks, startPaidServer } from './paidServer.ts'
import { startOwnFacilitator, startStockFacilitator } from './stockFacilitator.ts'

const price = 1_000n
const facilitators = { 'the stock facilitator': startStockFacilitator, ours: startOwnFacilitator }

describe.each([84532, 31337])('chain %i', (chainId) => {
  let chain: LocalChain
  let requirements: PaymentRequirements
  let token: Address
  let folder: string
  let files = 0
  const budgets: Budget[] = []
  const running = new Map<string, Awaited<ReturnType<typeof startOwnFacilitator>>>()
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'batch-'))
    chain = await startLocalChain(chainId)
    requirements = chainId === 84532 ? await etchUsdc(chain) : chain.requirements
    token = requirements.asset as Address
    await placeX402Contracts(chain.client)
    let relayer = 5
    for (const [name, start] of Object.entries(facilitators)) running.set(name, await start(chain, relayer++))
  })
  afterAll(async () => {
    for (const budget of budgets) await budget.close()
    for (const { stop } of running.values()) await stop()
    await chain?.stop()
    rmSync(folder, { recursive: true, force: true, maxRetries: 40, retryDelay: 50 })
  })

  /** A payer that owns tokens and no gas. */
  async function newPayer() {
    const account = privateKeyToAccount(generatePrivateKey())
    await chain.mint(account.address, 1_000_000n, token)
    return account
  }

  /** A client of the x402 packages, as their manuals say, and its scheme. */
  async function stockClient(account: Awaited<ReturnType<typeof newPayer>>) {
    const signer = {
      address: account.address,
      signTypedData: (data: never) => account.signTypedData(data),
      readContract: (call: never) => chain.client.readContract(call),
    }
    const scheme = new StockClientScheme(signer as never)
    const client = new x402Client().register(`eip155:${chainId}`, scheme as never)
    client.setSpendControls({
      allowedAssets: [{ network: `eip155:${chainId}`, asset: token, maxAmountPerPayment: '100000' }],
    } as never)
    return { scheme, pay: wrapFetchWithPayment(fetch, client) }
  }

  /** Our server, its books and its claimer. */
  async function ownServer(name: string, tricks: ServerTricks = {}) {
    const receiver = privateKeyToAccount(generatePrivateKey()).address
    const authorizer = privateKeyToAccount(generatePrivateKey())
    const currency = {
      ...{ network: requirements.network, asset: token, payTo: receiver },
      name: String(requirements.extra?.name),
      version: String(requirements.extra?.version),
    }
    const facilitator = httpFacilitator({ url: running.get(name)?.url ?? '' })
    const path = join(folder, `ledger-${files++}.jsonl`)
    const ledger = await openBatchLedger({
      path,
      readChannel: (channel) => readBatchChannel(chain.client, { channel }),
    })
    const events: BatchClaimEvent[] = []
    const claimer = startBatchClaimer({
      ...{ ledger, currency, facilitator, authorizer, everyMs: 3_600_000 },
      costOf: async () => 1_000_000n,
      onEvent: (event) => events.push(event),
    })
    const scheme = batchScheme({ ledger, currency, facilitator, authorizer })
    const server = await startPaidServer(scheme, () => price, tricks)
    return {
      ...{ receiver, ledger, claimer, events, url: server.url, served: server.served },
      earned: () => chain.balanceOf(receiver, token),
      async stop() {
        await server.stop()
        await claimer.stop()
        await ledger.close()
      },
    }
  }

  /** A stock server, as the packages' manuals say, that signs its claims itself. */
  async function stockServer(name: string) {
    const receiver = privateKeyToAccount(generatePrivateKey()).address
    const { network, asset, extra } = requirements
    const client = new HTTPFacilitatorClient({ url: running.get(name)?.url ?? '' })
    const scheme = new StockServerScheme(receiver, {
      receiverAuthorizerSigner: privateKeyToAccount(generatePrivateKey()) as never,
    })
    const at = network as `${string}:${string}`
    const server = new x402ResourceServer(client).register(at, scheme as never)
    const priced = { asset, amount: price.toString(), ...(extra === undefined ? {} : { extra }) }
    const accepts = { scheme: 'batch-settlement', network: at, payTo: receiver, price: priced }
    const app = new Hono()
    app.use(paymentMiddleware({ 'GET /data': { accepts, description: 'Data' } } as never, server))
    let served = 0
    app.get('/data', (context) => {
      served++
      return context.text('paid')
    })
    const listening = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }) as Server
    if (!listening.listening) await new Promise((done) => listening.once('listening', done))
    const manager = scheme.createChannelManager(client as never, at, token as never)
    return {
      url: `http://127.0.0.1:${(listening.address() as AddressInfo).port}/data`,
      served: () => served,
      claim: () => manager.claimAndSettle(),
      earned: () => chain.balanceOf(receiver, token),
      stop: () =>
        new Promise<void>((done) => {
          listening.closeAllConnections()
          listening.close(() => done())
        }),
    }
  }

  /** Our buyer. */
  async function ownBuyer(limits: BudgetLimits = {}) {
    const account = await newPayer()
    const budget = await openBudget({ path: join(folder, `budget-${files++}.jsonl`), limits })
    budgets.push(budget)
    const path = join(folder, `wallet-${files++}.jsonl`)
    const open = (file = path) =>
      openBatchWallet({
        ...{ path: file, deployment: chain.deployment, payer: account, budget },
        currency: { ...chain.currency, address: token },
        readChannel: (channel) => readBatchChannel(chain.client, { channel }),
        maxDeposit: 50_000n,
      })
    const payments: Payment[] = []
    const fetchWith = (batch: BatchWallet) =>
      createPayingFetch({
        ...{ deployment: chain.deployment, budget, batch },
        currency: { ...chain.currency, address: token },
        onPayment: (payment) => payments.push(payment),
      })
    return { account, budget, open, fetchWith, payments, path }
  }

  describe.each(Object.keys(facilitators))('with %s', (name) => {
    describe.each(['a stock server', 'our server'])('our fetch', (kind) => {
      const start = async () => {
        if (kind === 'a stock server') return stockServer(name)
        const seller = await ownServer(name)
        return { ...seller, claim: () => seller.claimer.claimNow({ all: true }) }
      }

      test(`default: ${kind} is paid by it call by call, and gives back the rest`, async () => {
        const seller = await start()
        const { account, budget, open, fetchWith, payments } = await ownBuyer()
        const batch = await open()
        const pay = fetchWith(batch)
        for (let call = 1n; call <= 12n; call++) {
          const response = await pay(seller.url)
          expect([response.status, await response.text()]).toEqual([200, 'paid'])
          expect(budget.state()).toMatchObject({ spent: call * price, reserved: 0n })
        }
        expect(payments.map(({ scheme, amount }) => `${scheme} ${amount}`)).toEqual(
          Array(12).fill('batch-settlement 1000'),
        )
        // Ten calls by the first deposit, and one more for the others.
        expect(batch.channels()).toMatchObject([{ balance: 20_000n, signed: 12_000n, charged: 12_000n }])
        expect(await chain.balanceOf(account.address, token)).toBe(1_000_000n - 20_000n)
        await seller.claim()
        expect(await seller.earned()).toBe(12n * price)
        const refunded = await askForRefund({ batch, url: seller.url })
        expect(refunded.success).toBe(true)
        expect(await chain.balanceOf(account.address, token)).toBe(1_000_000n - 12_000n)
        expect((await pay(seller.url)).status).toBe(200)
        expect(seller.served()).toBe(13)
        await batch.close()
        await seller.stop()
      })

      test(`behavior: ${kind} serves calls that are made at once, one after the other`, async () => {
        const seller = await start()
        const { budget, open, fetchWith } = await ownBuyer({ lifetime: 8n * price })
        const batch = await open()
        const pay = fetchWith(batch)
        const answers = await Promise.allSettled(Array.from({ length: 10 }, () => pay(seller.url)))
        const paid = answers.filter((each) => each.status === 'fulfilled' && each.value.status === 200)
        expect(paid).toHaveLength(8)
        expect(seller.served()).toBe(8)
        expect(budget.state()).toMatchObject({ spent: 8n * price, reserved: 0n })
        await batch.close()
        await seller.stop()
      })

      test(`behavior: with its file lost it learns from ${kind} what it had signed, by its own signature`, async () => {
        const seller = await start()
        const { open, fetchWith } = await ownBuyer()
        const first = await open()
        for (let call = 0; call < 3; call++) expect((await fetchWith(first)(seller.url)).status).toBe(200)
        await first.close()
        const second = await open(join(folder, `wallet-${files++}.jsonl`))
        expect((await fetchWith(second)(seller.url)).status).toBe(200)
        expect(second.channels()).toMatchObject([{ signed: 4n * price, charged: 4n * price }])
        await second.close()
        await seller.stop()
      })
    })

    test('default: our server is paid by a stock client: a deposit, vouchers, claims, and the rest refunded', async () => {
      const seller = await ownServer(name)
      const account = await newPayer()
      const { scheme, pay } = await stockClient(account)
      for (let call = 1n; call <= 5n; call++) {
        const response = await pay(seller.url)
        expect([response.status, await response.text()]).toEqual([200, 'paid'])
        const settled = decodePaymentResponseHeader(response.headers.get('PAYMENT-RESPONSE') ?? '')
        expect(settled).toMatchObject({
          ...{ success: true, network: `eip155:${chainId}` },
          extra: {
            chargedAmount: '1000',
            channelState: { chargedCumulativeAmount: String(call * price), balance: '10000' },
          },
        })
        // Only the first goes to the chain.
        expect(settled.transaction === '').toBe(call > 1n)
      }
      expect(await chain.balanceOf(account.address, token)).toBe(1_000_000n - 10_000n)
      const [book] = seller.ledger.books()
      expect(book).toMatchObject({ spent: 5n * price, held: 0n, requests: 0 })

      await seller.claimer.claimNow()
      expect(seller.events).toEqual([])
      await seller.claimer.claimNow({ all: true })
      expect(seller.events.map(({ event }) => event)).toEqual(['claimed', 'settled'])
      expect(await seller.earned()).toBe(5n * price)
      // Nothing is claimed twice, and the channel goes on.
      await seller.claimer.claimNow({ all: true })
      expect(seller.events).toHaveLength(2)
      expect((await pay(seller.url)).status).toBe(200)

      const refunded = await scheme.refund(seller.url)
      expect(refunded).toMatchObject({ success: true, payer: account.address.toLowerCase() })
      expect(await chain.balanceOf(account.address, token)).toBe(1_000_000n - 6n * price)
      // What the refund claimed along is the receiver's too.
      await seller.claimer.claimNow({ all: true })
      expect(await seller.earned()).toBe(6n * price)
      expect((await pay(seller.url)).status).toBe(200)
      await seller.claimer.claimNow({ all: true })
      expect(await seller.earned()).toBe(7n * price)
      expect(seller.served()).toBe(7)
      await seller.stop()
    })

    test('behavior: of calls of a stock client that are made at once each is paid for or refused, and none is lost', async () => {
      const seller = await ownServer(name)
      const account = await newPayer()
      const { pay } = await stockClient(account)
      expect((await pay(seller.url)).status).toBe(200)
      const answers = await Promise.allSettled(Array.from({ length: 8 }, () => pay(seller.url)))
      const paid = answers.filter((each) => each.status === 'fulfilled' && each.value.status === 200).length
      expect(paid).toBeGreaterThan(0)
      expect(seller.served()).toBe(1 + paid)
      expect(seller.ledger.books()).toMatchObject([
        { spent: BigInt(1 + paid) * price, held: 0n, requests: 0 },
      ])
      // It goes on afterwards, from what the server says and proves.
      expect((await pay(seller.url)).status).toBe(200)
      await seller.claimer.claimNow({ all: true })
      expect(await seller.earned()).toBe(BigInt(2 + paid) * price)
      await seller.stop()
    })

    test('default: a price that is a ceiling charges what was used', async () => {
      const seller = await ownServer(name, { charge: () => 300n })
      const account = await newPayer()
      const { pay } = await stockClient(account)
      for (let call = 1; call <= 4; call++) expect((await pay(seller.url)).status).toBe(200)
      expect(seller.ledger.books()).toMatchObject([{ spent: 1_200n }])
      await seller.claimer.claimNow({ all: true })
      expect(await seller.earned()).toBe(1_200n)
      await seller.stop()
    })
  })
})
