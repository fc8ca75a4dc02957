import { mkdtempSync, rmSync } from 'node:fs'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { serve } from '@hono/node-server'
import { HTTPFacilitatorClient, x402ResourceServer } from '@x402/core/server'
import { UptoEvmScheme as StockClientScheme } from '@x402/evm/upto/client'
import { UptoEvmScheme as StockServerScheme } from '@x402/evm/upto/server'
import { declareEip2612GasSponsoringExtension } from '@x402/extensions'
import { decodePaymentResponseHeader, wrapFetchWithPayment, x402Client } from '@x402/fetch'
import { paymentMiddleware, setSettlementOverrides } from '@x402/hono'
import { Hono } from 'hono'
import { type Address, encodeFunctionData } from 'viem'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createPayingFetch, type Payment } from '../src/buyer/createPayingFetch.ts'
import { type Budget, openBudget } from '../src/buyer/openBudget.ts'
import { httpFacilitator } from '../src/seller/httpFacilitator.ts'
import { uptoScheme } from '../src/seller/uptoScheme.ts'
import type { PaymentRequirements } from '../src/wire/x402.ts'
import { x402Contracts } from '../src/x402/contracts.ts'
import { placeX402Contracts } from '../src/x402/placeX402Contracts.ts'
import { accountAt, etchUsdc, type LocalChain, startLocalChain } from './localChain.ts'
import { startPaidServer } from './paidServer.ts'
import { startOwnFacilitator, startStockFacilitator } from './stockFacilitator.ts'

type Network = `${string}:${string}`

const ceiling = 5_000n
/** Account 1 has approved Permit2; account 2 signs an approval with each payment; account 3 has no gas money to speak of. */
const payers = { 'who approved Permit2': 1, 'who signs an approval': 2 } as const
const approveAbi = [
  {
    type: 'function',
    name: 'approve',
    inputs: [
      { name: 'spender', type: 'address' },
      { name: 'value', type: 'uint256' },
    ],
    outputs: [{ name: '', type: 'bool' }],
    stateMutability: 'nonpayable',
  },
] as const

const facilitators = { 'the stock facilitator': startStockFacilitator, ours: startOwnFacilitator }

describe.each([84532, 31337])('chain %i', (chainId) => {
  let chain: LocalChain
  let requirements: PaymentRequirements
  let token: Address
  const running = new Map<string, Awaited<ReturnType<typeof startOwnFacilitator>>>()
  beforeAll(async () => {
    chain = await startLocalChain(chainId)
    requirements = chainId === 84532 ? await etchUsdc(chain) : chain.requirements
    token = requirements.asset as Address
    await placeX402Contracts(chain.client)
    await approve(1)
    let relayer = 5
    for (const [name, start] of Object.entries(facilitators)) running.set(name, await start(chain, relayer++))
  })
  afterAll(async () => {
    for (const { stop } of running.values()) await stop()
    await chain?.stop()
  })

  async function approve(index: number, value = 2n ** 256n - 1n) {
    const data = encodeFunctionData({
      abi: approveAbi,
      functionName: 'approve',
      args: [x402Contracts.permit2, value],
    })
    const hash = await chain.walletOf(index).sendTransaction({ to: token, data })
    await chain.client.waitForTransactionReceipt({ hash })
  }

  const currency = () => ({
    network: requirements.network,
    asset: token,
    payTo: requirements.payTo as Address,
    name: String(requirements.extra?.name),
    version: String(requirements.extra?.version),
  })
  const paid = () => chain.balanceOf(accountAt(9).address, token)

  describe.each(Object.keys(facilitators))('with %s', (name) => {
    const url = () => running.get(name)?.url ?? ''

    /** Our server: a ceiling of 5000, of which `used` is charged. */
    const ownServer = (used: bigint) =>
      startPaidServer(
        uptoScheme({ currencies: [currency()], facilitator: httpFacilitator({ url: url() }) }),
        () => ceiling,
        { charge: () => used },
      )

    test.each(Object.entries(payers))(
      'default: our server is paid by a stock client %s',
      async (_, index) => {
        const server = await ownServer(1_234n)
        const account = accountAt(index)
        const signer = {
          address: account.address,
          signTypedData: (data: never) => account.signTypedData(data),
          readContract: (call: never) => chain.client.readContract(call),
        }
        const client = new x402Client().register(
          `eip155:${chainId}`,
          new StockClientScheme(signer as never) as never,
        )
        client.setSpendControls({
          allowedAssets: [{ network: `eip155:${chainId}`, asset: token, maxAmountPerPayment: '100000' }],
        } as never)
        const pay = wrapFetchWithPayment(fetch, client)
        for (let call = 0; call < 2; call++) {
          const before = await paid()
          const response = await pay(server.url)
          expect([response.status, await response.text()]).toEqual([200, 'paid'])
          const settled = decodePaymentResponseHeader(response.headers.get('PAYMENT-RESPONSE') ?? '')
          expect(settled).toMatchObject({ success: true, network: `eip155:${chainId}`, amount: '1234' })
          expect(await paid()).toBe(before + 1_234n)
        }
        await server.stop()
      },
    )

    describe('our fetch', () => {
      let folder: string
      let budget: Budget
      beforeEach(async () => {
        folder = mkdtempSync(join(tmpdir(), 'upto-'))
        budget = await openBudget({ path: join(folder, 'budget.jsonl'), limits: { lifetime: 20_000n } })
      })
      afterEach(async () => {
        await budget.close()
        rmSync(folder, { recursive: true, force: true })
      })

      const buyer = (index: number, payments: Payment[] = []) =>
        createPayingFetch({
          deployment: chain.deployment,
          currency: { ...chain.currency, address: token },
          budget,
          signer: accountAt(index),
          client: chain.client,
          onPayment: (payment) => payments.push(payment),
        })

      /** A stock server, as the packages' manuals say. */
      async function stockServer(used: string) {
        const { network, asset, payTo, extra } = requirements
        const price = { asset, amount: ceiling.toString(), ...(extra === undefined ? {} : { extra }) }
        const accepts = { scheme: 'upto', network: network as Network, payTo, price }
        const extensions = declareEip2612GasSponsoringExtension()
        const server = new x402ResourceServer(new HTTPFacilitatorClient({ url: url() })).register(
          network as Network,
          new StockServerScheme(),
        )
        const app = new Hono()
        app.use(paymentMiddleware({ 'GET /data': { accepts, description: 'Data', extensions } }, server))
        app.get('/data', (context) => {
          setSettlementOverrides(context, { amount: used })
          return context.text('paid')
        })
        const listening = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }) as Server
        if (!listening.listening) await new Promise((done) => listening.once('listening', done))
        return {
          url: `http://127.0.0.1:${(listening.address() as AddressInfo).port}/data`,
          stop: () =>
            new Promise<void>((done) => {
              listening.closeAllConnections()
              listening.close(() => done())
            }),
        }
      }

      for (const [kind, start] of Object.entries({
        'a stock server': () => stockServer('1234'),
        'our server': () => ownServer(1_234n),
      }))
        test.each(Object.entries(payers))(
          `default: ${kind} is paid by one %s, and what was not taken is free again`,
          async (_, index) => {
            const server = await start()
            const payments: Payment[] = []
            const pay = buyer(index, payments)
            for (let call = 1n; call <= 2n; call++) {
              const before = await paid()
              const response = await pay(server.url)
              expect([response.status, await response.text()]).toEqual([200, 'paid'])
              expect(await paid()).toBe(before + 1_234n)
              expect(budget.state()).toMatchObject({ spent: call * 1_234n, reserved: 0n })
            }
            expect(payments.map(({ scheme, amount }) => [scheme, amount])).toEqual([
              ['upto', 1_234n],
              ['upto', 1_234n],
            ])
            await server.stop()
          },
        )

      test('behavior: nothing used moves nothing; the budget counts what can still be taken', async () => {
        const server = await ownServer(0n)
        const before = await paid()
        expect(await (await buyer(1)(server.url)).text()).toBe('paid')
        expect(await paid()).toBe(before)
        expect(budget.state()).toMatchObject({ spent: ceiling, reserved: 0n })
        await server.stop()
      })

      test('error: a payer without money is refused before anything is served', async () => {
        const server = await ownServer(1n)
        await expect(buyer(20)(server.url)).rejects.toMatchObject({ code: 'PAYMENT_LOOP' })
        expect(server.served()).toBe(0)
        expect(budget.state()).toMatchObject({ spent: ceiling, reserved: 0n })
        await server.stop()
      })
    })
  })

  test('a facilitator says that it settles upto, and by whom', async () => {
    const { kinds, extensions } = await httpFacilitator({ url: running.get('ours')?.url ?? '' }).supported()
    expect(kinds).toContainEqual({
      x402Version: 2,
      scheme: 'upto',
      network: `eip155:${chainId}`,
      extra: { facilitatorAddress: accountAt(6).address },
    })
    expect(extensions).toContain('eip2612GasSponsoring')
  })
})
