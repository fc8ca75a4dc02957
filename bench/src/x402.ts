// Paid calls by x402's scheme exact: checking, settling and a whole paid request, ours beside the stock packages, in one run.

import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { cpus, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { serve } from '@hono/node-server'
import {
  createExactVerifier,
  createPaywall,
  exactScheme,
  honoPaywall,
  openCurve,
  openFacilitator,
  openSettlements,
  type PaymentPayload,
  signExact,
} from '@millrace/pay'
import { ExactEvmScheme as ClientScheme } from '@x402/evm/exact/client'
import { ExactEvmScheme as ServerScheme } from '@x402/evm/exact/server'
import { wrapFetchWithPayment, x402Client } from '@x402/fetch'
import { paymentMiddleware, x402ResourceServer } from '@x402/hono'
import { Hono } from 'hono'
import { accountAt, etchUsdc, startLocalChain, usdcAddress } from '../../packages/pay/test/localChain.ts'
import { type Rate, rateOf } from './_x402/measure.ts'
import { stockFacilitator, stockOffline } from './_x402/stock.ts'

/** Milliseconds of each measurement, and how often the pair is measured in turn; the best of each counts. */
const MS = Number(process.env.MS ?? 3000)
const ROUNDS = 3
const load = Math.round((loadavg()[0] ?? 0) * 100) / 100

const now = () => Math.floor(Date.now() / 1000)
const say = (text: string) => process.stdout.write(`${text}\n`)
const folder = mkdtempSync(join(tmpdir(), 'millrace-bench-x402-'))
const chain = await startLocalChain(84532)
const requirements = await etchUsdc(chain)
const { network, payTo } = requirements
const journal = await openSettlements(join(folder, 'settlements'))
const ours = await openFacilitator({
  chains: [{ network, client: chain.client, relayer: accountAt(5) }],
  journal,
})
const theirs = stockFacilitator(chain, 6)

const sign = (count: number) =>
  Promise.all(
    Array.from({ length: count }, (_, index) =>
      signExact(accountAt(1 + (index % 4)), {
        requirements: { ...requirements, maxTimeoutSeconds: 3600 },
        now: now(),
      }).then((payment) => ({ ...payment, accepted: requirements })),
    ),
  )
type Pair = Record<'ours' | 'stock', Rate>

async function compare(name: string, pair: Record<'ours' | 'stock', () => Promise<Rate>>): Promise<Pair> {
  const rates: { ours: Rate[]; stock: Rate[] } = { ours: [], stock: [] }
  for (let round = 0; round < ROUNDS; round++) {
    rates.ours.push(await pair.ours())
    rates.stock.push(await pair.stock())
  }
  const best = (each: Rate[]) => each.reduce((a, b) => (b.perProcessorSecond > a.perProcessorSecond ? b : a))
  const result = { ours: best(rates.ours), stock: best(rates.stock) }
  const text = (rate: Rate) =>
    `${rate.perSecond}/s (${rate.perProcessorSecond} a processor second, median ${rate.medianMs} ms)`
  say(`${name.padEnd(34)} ours ${text(result.ours)}, stock ${text(result.stock)}`)
  return result
}

const results: Record<string, Pair> = {}
try {
  const payments = await sign(64)
  const paymentAt = (index: number) => payments[index % payments.length] as PaymentPayload
  const pairOf = (index: number) => [paymentAt(index), requirements] as never as [never, never]
  const must = (isValid: boolean, what: string) => {
    if (!isValid) throw new RangeError(`${what} was refused`)
  }

  const verify = createExactVerifier(await openCurve())
  const offline = stockOffline(requirements.asset)
  results['verify without a chain'] = await compare('verify without a chain', {
    ours: () =>
      rateOf(
        (index) => {
          const verdict = verify(paymentAt(index), { requirements, now: now() })
          must(verdict.type === 'right' && verdict.signer === 'payer', 'a payment')
        },
        { ms: MS },
      ),
    stock: () =>
      rateOf(async (index) => must((await offline.verify(...pairOf(index))).isValid, 'a payment'), {
        ms: MS,
      }),
  })
  for (const atOnce of [1, 32]) {
    const name = `verify on a chain, ${atOnce} at once`
    results[name] = await compare(name, {
      ours: () =>
        rateOf(async (index) => must((await ours.verify(...pairOf(index))).isValid, 'a payment'), {
          ms: MS,
          atOnce,
        }),
      stock: () =>
        rateOf(async (index) => must((await theirs.verify(...pairOf(index))).isValid, 'a payment'), {
          ms: MS,
          atOnce,
        }),
    })
  }

  const settling = async (facilitator: {
    settle(...pair: [never, never]): Promise<{ success: boolean }>
  }) => {
    const fresh = await sign(60)
    return rateOf(
      async (index) =>
        must(
          (await facilitator.settle(...([fresh[index], requirements] as never as [never, never]))).success,
          'a settlement',
        ),
      { ms: MS, most: 60 },
    )
  }
  results['settle, one after another'] = await compare('settle, one after another', {
    ours: () => settling(ours),
    stock: () => settling(theirs),
  })

  const servers = [serveOurs(), serveStock()]
  const urls = await Promise.all(
    servers.map(async (server) => {
      if (!server.listening) await once(server, 'listening')
      return `http://127.0.0.1:${(server.address() as AddressInfo).port}/weather`
    }),
  )
  const client = new x402Client().register('eip155:*', new ClientScheme(accountAt(1)))
  const pay = wrapFetchWithPayment(fetch, client)
  const calling = (url: string) =>
    rateOf(
      async () => {
        const response = await pay(url)
        must(response.status === 200, `a call, with ${response.status}`)
        await response.text()
      },
      { ms: MS },
    )
  results['a paid request, @x402/fetch to Hono'] = await compare('a paid request, @x402/fetch to Hono', {
    ours: () => calling(urls[0] ?? ''),
    stock: () => calling(urls[1] ?? ''),
  })
  for (const server of servers) server.close()

  const machine = { cpu: cpus()[0]?.model, cores: cpus().length, loadAtStart: load }
  const what =
    'best of 3 turns each; by the clock, and by the processor time of the measuring process, in which the chain is not; our settlements are on disk before they are sent and our paid requests come with a signed receipt'
  const result = { what, milliseconds: MS, machine, node: process.version, results }
  writeFileSync(
    fileURLToPath(new URL('../results/x402.json', import.meta.url)),
    `${JSON.stringify(result, null, 2)}\n`,
  )
} finally {
  await ours.close()
  await journal.close()
  await chain.stop()
  rmSync(folder, { recursive: true, force: true })
}

function serveOurs(): Server {
  const currency = { network, asset: usdcAddress, payTo: accountAt(9).address, name: 'USDC', version: '2' }
  const paywall = createPaywall({
    schemes: [exactScheme({ currencies: [currency], facilitator: ours })],
    receipts: accountAt(9),
  })
  const app = new Hono()
  app.use('/weather', honoPaywall(paywall, { price: { amount: 1000n } }))
  app.get('/weather', (context) => context.json({ sky: 'clear' }))
  return serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }) as Server
}

function serveStock(): Server {
  const facilitator = {
    verify: theirs.verify.bind(theirs),
    settle: theirs.settle.bind(theirs),
    getSupported: async () => theirs.getSupported(),
  }
  const server = new x402ResourceServer(facilitator as never).register('eip155:84532', new ServerScheme())
  const price = { amount: '1000', asset: usdcAddress, extra: { name: 'USDC', version: '2' } }
  const accepts = { scheme: 'exact', network: 'eip155:84532', payTo, price } as never
  const app = new Hono()
  app.use(paymentMiddleware({ 'GET /weather': { accepts } }, server))
  app.get('/weather', (context) => context.json({ sky: 'clear' }))
  return serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }) as Server
}
