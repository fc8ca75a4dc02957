import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { BatchSettlementEvmScheme as StockClientScheme } from '@x402/evm/batch-settlement/client'
import { decodePaymentResponseHeader, wrapFetchWithPayment, x402Client } from '@x402/fetch'
import type { Address } from 'viem'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { batchScheme } from '../src/batch/batchScheme.ts'
import { openBatchLedger } from '../src/batch/openBatchLedger.ts'
import { readBatchChannel } from '../src/batch/readBatchChannel.ts'
import { type BatchClaimEvent, startBatchClaimer } from '../src/batch/startBatchClaimer.ts'
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

  describe.each(Object.keys(facilitators))('with %s', (name) => {
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
