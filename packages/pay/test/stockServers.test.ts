import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { serve } from '@hono/node-server'
import type { Signer } from '@millrace/sdk'
import { HTTPFacilitatorClient, x402ResourceServer } from '@x402/core/server'
import { ExactEvmScheme } from '@x402/evm/exact/server'
import { paymentMiddleware as expressMiddleware } from '@x402/express'
import { paymentMiddleware as honoMiddleware } from '@x402/hono'
import express from 'express'
import { Hono } from 'hono'
import type { Hex } from 'viem'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { paymentMiddleware as v1Middleware } from 'x402-express'
import { createPayingFetch, type Payment } from '../src/buyer/createPayingFetch.ts'
import { type Budget, openBudget } from '../src/buyer/openBudget.ts'
import type { PaymentRequirements } from '../src/wire/x402.ts'
import { accountAt, etchUsdc, type LocalChain, startLocalChain } from './localChain.ts'
import { startOwnFacilitator, startStockFacilitator } from './stockFacilitator.ts'

interface Shop {
  readonly facilitator: string
  readonly requirements: PaymentRequirements
}

type Network = `${string}:${string}`

/** `GET /weather` for 1000 base units, `POST /echo` for as much, and `/broken`, as the packages' own manuals say. */
const routesOf = ({ requirements }: Shop) => {
  const { asset, payTo, amount, extra, network } = requirements
  const price = { asset, amount, ...(extra === undefined ? {} : { extra }) }
  const accepts = { scheme: 'exact', network: network as Network, payTo, price }
  return Object.fromEntries(
    ['GET /weather', 'POST /echo', 'GET /broken'].map((route) => [route, { accepts, description: route }]),
  )
}
const resourceServer = ({ facilitator, requirements }: Shop) =>
  new x402ResourceServer(new HTTPFacilitatorClient({ url: facilitator })).register(
    requirements.network as Network,
    new ExactEvmScheme(),
  )

function expressShop(app: express.Express): Server {
  app.use(express.json())
  app.get('/weather', (_, response) => void response.json({ sky: 'clear' }))
  app.post('/echo', (request, response) => void response.json(request.body))
  app.get('/broken', (_, response) => void response.status(500).json({ error: 'broken' }))
  return app.listen(0, '127.0.0.1')
}

const shops: Record<string, (shop: Shop) => Server> = {
  '@x402/hono'(shop) {
    const app = new Hono()
    app.use(honoMiddleware(routesOf(shop), resourceServer(shop)))
    app.get('/weather', (context) => context.json({ sky: 'clear' }))
    app.post('/echo', async (context) => context.json(await context.req.json()))
    app.get('/broken', (context) => context.json({ error: 'broken' }, 500))
    return serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }) as Server
  },
  '@x402/express': (shop) =>
    expressShop(express().use(expressMiddleware(routesOf(shop), resourceServer(shop)))),
}
/** v1 knows no local chains, only networks by name. */
const v1Shops: Record<string, (shop: Shop) => Server> = {
  'x402-express, of v1': ({ facilitator, requirements }) =>
    expressShop(
      express().use(
        v1Middleware(
          requirements.payTo as Hex,
          { '/weather': v1Route, 'POST /echo': v1Route, '/broken': v1Route },
          { url: facilitator as `${string}://${string}` },
        ) as unknown as express.RequestHandler,
      ),
    ),
}
const v1Route = { price: '$0.001', network: 'base-sepolia' } as const

const facilitators = { 'the stock facilitator': startStockFacilitator, ours: startOwnFacilitator }

describe.each([84532, 31337])('chain %i', (chainId) => {
  let chain: LocalChain
  let requirements: PaymentRequirements
  let folder: string
  let budget: Budget
  const urls = new Map<string, Awaited<ReturnType<typeof startOwnFacilitator>>>()
  beforeAll(async () => {
    chain = await startLocalChain(chainId)
    requirements = chainId === 84532 ? await etchUsdc(chain) : chain.requirements
    let relayer = 5
    for (const [name, start] of Object.entries(facilitators)) urls.set(name, await start(chain, relayer++))
  })
  afterAll(async () => {
    for (const { stop } of urls.values()) await stop()
    await chain?.stop()
  })
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'stock-'))
    budget = await openBudget({ path: join(folder, 'budget.jsonl'), limits: { lifetime: 5_000n } })
  })
  afterEach(async () => {
    await budget.close()
    rmSync(folder, { recursive: true, force: true })
  })

  const buyer = (payments: Payment[] = [], signer: Signer = accountAt(1)) =>
    createPayingFetch({
      deployment: chain.deployment,
      currency: { ...chain.currency, address: requirements.asset as Hex },
      budget,
      signer,
      onPayment: (payment) => payments.push(payment),
    })

  async function open(start: (shop: Shop) => Server, facilitator: string) {
    const server = start({ facilitator: urls.get(facilitator)?.url ?? '', requirements })
    if (!server.listening) await once(server, 'listening')
    return {
      url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      stop: () => {
        server.closeAllConnections()
        server.close()
      },
    }
  }

  const all = { ...shops, ...(chainId === 84532 ? v1Shops : {}) }
  for (const [name, start] of Object.entries(all))
    describe.each(Object.keys(facilitators))(`${name} with %s`, (facilitator) => {
      test('default: is paid by our fetch, each call once', async () => {
        const { url, stop } = await open(start, facilitator)
        const payments: Payment[] = []
        const fetch = buyer(payments)
        const token = requirements.asset as Hex
        const before = await chain.balanceOf(accountAt(9).address, token)
        for (let call = 0; call < 2; call++) {
          const response = await fetch(`${url}/weather`)
          expect([response.status, await response.json()]).toEqual([200, { sky: 'clear' }])
        }
        const body = JSON.stringify({ a: [1, 'ü'] })
        const echo = await fetch(`${url}/echo`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body,
        })
        expect([echo.status, await echo.json()]).toEqual([200, { a: [1, 'ü'] }])
        expect(await chain.balanceOf(accountAt(9).address, token)).toBe(before + 3_000n)
        expect(payments).toHaveLength(3)
        for (const { settled } of payments)
          expect(settled).toMatchObject({ success: true, network: `eip155:${chainId}` })
        expect(new Set(payments.map(({ settled }) => settled?.transaction)).size).toBe(3)
        expect(budget.state()).toMatchObject({ spent: 3_000n, reserved: 0n })
        stop()
      })

      test('behavior: a handler that fails is not paid, and the budget counts what was signed', async () => {
        const { url, stop } = await open(start, facilitator)
        const token = requirements.asset as Hex
        const before = await chain.balanceOf(accountAt(9).address, token)
        expect((await buyer()(`${url}/broken`)).status).toBe(500)
        expect(await chain.balanceOf(accountAt(9).address, token)).toBe(before)
        expect(budget.state()).toMatchObject({ spent: 1_000n, reserved: 0n })
        stop()
      })

      test('error: a payer without money is refused, and one payment is counted', async () => {
        const { url, stop } = await open(start, facilitator)
        const poor = privateKeyToAccount(generatePrivateKey())
        await expect(buyer([], poor)(`${url}/weather`)).rejects.toMatchObject({ code: 'PAYMENT_LOOP' })
        expect(budget.state()).toMatchObject({ spent: 1_000n, reserved: 0n })
        stop()
      })
    })
})
