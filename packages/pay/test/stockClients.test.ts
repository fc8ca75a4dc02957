import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { serve } from '@hono/node-server'
import { ExactEvmScheme } from '@x402/evm/exact/client'
import { decodePaymentResponseHeader, wrapFetchWithPayment, x402Client } from '@x402/fetch'
import express from 'express'
import { Hono } from 'hono'
import { createWalletClient, type Hex, http, publicActions } from 'viem'
import { baseSepolia } from 'viem/chains'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { wrapFetchWithPayment as wrapV1 } from 'x402-fetch'
import { expressPaywall } from '../src/adapters/express.ts'
import { honoPaywall } from '../src/adapters/hono.ts'
import { nodeListener } from '../src/adapters/node.ts'
import { memoryJournal } from '../src/facilitator/journal.ts'
import { type Facilitator, openFacilitator } from '../src/facilitator/openFacilitator.ts'
import { createPaywall } from '../src/seller/createPaywall.ts'
import { exactScheme } from '../src/seller/exactScheme.ts'
import type { PaidRoute, Paywall } from '../src/seller/paywall.ts'
import { priceRoute } from '../src/seller/priceRoute.ts'
import type { PaymentRequirements } from '../src/wire/x402.ts'
import { accountAt, etchUsdc, type LocalChain, startLocalChain } from './localChain.ts'

const route: PaidRoute = {
  price: { amount: 1000n },
  resource: { description: 'The weather', mimeType: 'application/json' },
}

/** The same shop, by each adapter: `GET /weather`, `POST /echo` and `GET /broken` are paid, `GET /free` is not. */
const shops: Record<string, (paywall: Paywall) => Promise<Server>> = {
  async hono(paywall) {
    const app = new Hono()
    app.use('/weather', honoPaywall(paywall, route))
    app.use('/echo', honoPaywall(paywall, route))
    app.use('/broken', honoPaywall(paywall, route))
    app.get('/weather', (context) => context.json({ sky: 'clear' }, 200, { 'x-shop': 'hono' }))
    app.post('/echo', async (context) => context.json(await context.req.json()))
    app.get('/broken', () => {
      throw new RangeError('broken')
    })
    app.get('/free', (context) => context.text('free'))
    app.onError((_, context) => context.json({ error: 'broken' }, 500))
    const server = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }) as Server
    if (!server.listening) await once(server, 'listening')
    return server
  },
  async express(paywall) {
    const app = express()
    app.use(['/weather', '/echo', '/broken'], expressPaywall(paywall, route))
    app.use(express.json())
    app.get('/weather', (_, response) => void response.set('x-shop', 'express').json({ sky: 'clear' }))
    app.post('/echo', (request, response) => void response.json(request.body))
    app.get('/broken', (_, response) => void response.status(500).json({ error: 'broken' }))
    app.get('/free', (_, response) => void response.send('free'))
    const server = app.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return server
  },
  async 'express after its parser'(paywall) {
    const app = express()
    app.use(express.json())
    app.use(['/weather', '/echo', '/broken'], expressPaywall(paywall, route))
    app.get('/weather', (_, response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'x-shop': 'express' })
      response.write('{"sky":')
      response.end('"clear"}')
    })
    app.post('/echo', (request, response) => void response.json(request.body))
    app.get('/broken', () => {
      throw new RangeError('broken')
    })
    app.use(
      (_error: unknown, _: express.Request, response: express.Response, _next: express.NextFunction) => {
        response.status(500).json({ error: 'broken' })
      },
    )
    app.get('/free', (_, response) => void response.send('free'))
    const server = app.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return server
  },
  async 'node:http'(paywall) {
    const routes: Record<string, (request: Request) => Promise<Response>> = {
      '/weather': priceRoute(paywall, route, () =>
        Response.json({ sky: 'clear' }, { headers: { 'x-shop': 'node' } }),
      ),
      '/echo': priceRoute(paywall, route, async (request) => Response.json(await request.json())),
      '/broken': priceRoute(paywall, route, () => Response.json({ error: 'broken' }, { status: 500 })),
      '/free': async () => new Response('free'),
    }
    const none = async () => new Response('none', { status: 404 })
    const server = createServer(
      nodeListener((request) => (routes[new URL(request.url).pathname] ?? none)(request)),
    )
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return server
  },
}

async function open(chain: LocalChain, requirements: PaymentRequirements) {
  const { network, asset, payTo, extra } = requirements
  const facilitator = await openFacilitator({
    chains: [{ network, client: chain.client, relayer: accountAt(5) }],
    journal: memoryJournal(),
  })
  const currency = {
    network,
    asset: asset as Hex,
    payTo: payTo as Hex,
    name: String(extra?.name),
    version: String(extra?.version),
  }
  const scheme = exactScheme({ currencies: [currency], facilitator })
  const paywall = createPaywall({ schemes: [scheme], receipts: accountAt(9) })
  return { facilitator, paywall }
}

const paths = ['/weather', '/echo'] as const
const requestOf = (path: (typeof paths)[number]): RequestInit =>
  path === '/weather'
    ? {}
    : { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"a":[1,"ü"]}' }
const answers = { '/weather': { sky: 'clear' }, '/echo': { a: [1, 'ü'] } }

describe.each([
  ['USDC at its address on Base Sepolia, client without any configuration', 84532],
  ['the test dollar on a local chain, client told that it may', 31337],
])('%s', (_, chainId) => {
  let chain: LocalChain
  let requirements: PaymentRequirements
  let facilitator: Facilitator
  let paywall: Paywall
  beforeAll(async () => {
    chain = await startLocalChain(chainId)
    requirements = chainId === 84532 ? await etchUsdc(chain) : chain.requirements
    ;({ facilitator, paywall } = await open(chain, requirements))
  })
  afterAll(async () => {
    await facilitator?.close()
    await chain?.stop()
  })

  test.each(Object.entries(shops))('%s serves @x402/fetch', async (_name, start) => {
    const server = await start(paywall)
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const client = new x402Client().register(`eip155:${chainId}`, new ExactEvmScheme(accountAt(1)))
    if (chainId !== 84532)
      client.setSpendControls({
        allowedAssets: [
          { network: `eip155:${chainId}`, asset: requirements.asset, maxAmountPerPayment: '100000' },
        ],
      } as never)
    const pay = wrapFetchWithPayment(fetch, client)
    const token = requirements.asset as Hex
    for (const path of paths) {
      const before = await chain.balanceOf(accountAt(9).address, token)
      const response = await pay(url + path, requestOf(path))
      expect(response.status).toBe(200)
      expect(await response.json()).toEqual(answers[path])
      if (path === '/weather') expect(response.headers.get('x-shop')).not.toBeNull()
      const settled = decodePaymentResponseHeader(response.headers.get('PAYMENT-RESPONSE') ?? '')
      expect(settled).toMatchObject({ success: true, network: `eip155:${chainId}`, amount: '1000' })
      expect(response.headers.get('Millrace-Receipt')).not.toBeNull()
      expect(await chain.balanceOf(accountAt(9).address, token)).toBe(before + 1000n)
    }
    const before = await chain.balanceOf(accountAt(9).address, token)
    const broken = await pay(`${url}/broken`)
    expect([broken.status, await broken.json()]).toEqual([500, { error: 'broken' }])
    expect(await chain.balanceOf(accountAt(9).address, token)).toBe(before)
    expect(await (await fetch(`${url}/free`)).text()).toBe('free')
    server.close()
  })

  // v1 knows no local chains.
  const v1Shops = chainId === 84532 ? Object.entries(shops) : []
  for (const [name, start] of v1Shops)
    test(`${name} serves x402-fetch, of v1`, async () => {
      const server = await start(paywall)
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
      const wallet = createWalletClient({
        account: accountAt(2),
        chain: baseSepolia,
        transport: http(chain.url),
      }).extend(publicActions)
      const pay = wrapV1(fetch, wallet as never)
      for (const path of paths) {
        const response = await pay(url + path, requestOf(path))
        expect(response.status).toBe(200)
        expect(await response.json()).toEqual(answers[path])
        expect(JSON.parse(atob(response.headers.get('X-PAYMENT-RESPONSE') ?? ''))).toMatchObject({
          success: true,
          network: 'base-sepolia',
        })
      }
      server.close()
    })
})
