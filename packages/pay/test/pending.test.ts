import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Hex } from 'viem'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { memoryJournal } from '../src/facilitator/journal.ts'
import type { Facilitator } from '../src/facilitator/openFacilitator.ts'
import {
  createPayingFetch,
  createPaywall,
  encodePaymentPayload,
  exactScheme,
  nodeListener,
  openBudget,
  openFacilitator,
  openPendingAnswers,
  type Payment,
  type PendingAnswers,
  signExact,
} from '../src/index.ts'
import { accountAt, type LocalChain, startLocalChain } from './localChain.ts'

let chain: LocalChain
let folder: string
let pending: PendingAnswers
let server: Server | undefined
let relayer = 5
const open: Facilitator[] = []
beforeAll(async () => {
  chain = await startLocalChain()
})
afterAll(() => chain?.stop())
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'pending-'))
  pending = await openPendingAnswers({ path: join(folder, 'pending.jsonl') })
})
afterEach(async () => {
  await chain.client.setAutomine(true)
  server?.closeAllConnections()
  server?.close()
  for (const facilitator of open.splice(0)) await facilitator.close()
  await pending.close()
  rmSync(folder, { recursive: true, force: true, maxRetries: 40, retryDelay: 50 })
})

/** One that waits for a transaction as long as a test's patience goes. */
async function facilitatorOf(timeoutMs: number) {
  const { network } = chain.requirements
  const facilitator = await openFacilitator({
    chains: [{ network, client: chain.client, relayer: accountAt(relayer++), timeoutMs }],
    journal: memoryJournal(),
  })
  open.push(facilitator)
  return facilitator
}

function shop(facilitator: Pick<Facilitator, 'verify' | 'settle'>, answer: () => Response) {
  const { network, asset, payTo } = chain.requirements
  const currency = { network, asset: asset as Hex, payTo: payTo as Hex, name: 'Test Dollar', version: '1' }
  const paywall = createPaywall({
    schemes: [exactScheme({ currencies: [currency], facilitator })],
    receipts: accountAt(9),
    pending,
  })
  return (request: Request) => paywall.charge(request, { price: { amount: 1000n } }, answer)
}

const now = () => Math.floor(Date.now() / 1000)
const url = 'http://shop.example/weather'
const sign = () => signExact(accountAt(1), { requirements: chain.requirements, now: now() })
const requestOf = (payment: Awaited<ReturnType<typeof sign>>, at = url) =>
  new Request(at, { headers: { 'PAYMENT-SIGNATURE': encodePaymentPayload(payment) } })

async function restart() {
  await pending.close()
  pending = await openPendingAnswers({ path: join(folder, 'pending.jsonl') })
}

test('default: a pending answer outlives its seller, is given for the same payment, and is charged once', async () => {
  let calls = 0
  const before = await chain.balanceOf(accountAt(9).address)
  const facilitator = await facilitatorOf(300)
  const handler = () => new Response(`call ${++calls}`, { headers: { 'x-made': 'by the handler' } })
  const payment = await sign()
  await chain.client.setAutomine(false)
  const first = await shop(facilitator, handler)(requestOf(payment))
  expect([first.status, first.headers.get('millrace-pending')]).toEqual([503, 'SETTLEMENT_PENDING'])
  await restart()
  const second = shop(facilitator, handler)
  expect((await second(requestOf(payment))).status).toBe(503)
  expect((await second(requestOf(payment, 'http://shop.example/other'))).status).toBe(402)
  await chain.client.setAutomine(true)
  await chain.client.mine({ blocks: 1 })
  await expect.poll(async () => (await second(requestOf(payment))).status).toBe(200)
  await restart()
  const answer = await shop(facilitator, handler)(requestOf(payment))
  expect([answer.status, await answer.text(), answer.headers.get('x-made')]).toEqual([
    200,
    'call 1',
    'by the handler',
  ])
  expect(answer.headers.has('millrace-receipt')).toBe(true)
  expect(calls).toBe(1)
  expect(await chain.balanceOf(accountAt(9).address)).toBe(before + 1000n)
})

test('behavior: a seller that dies between settling and answering gives the answer when it is asked again', async () => {
  let calls = 0
  const facilitator = await facilitatorOf(20_000)
  const payment = await sign()
  // Settled, and the process never hears of it.
  let settled: unknown
  const dying: Pick<Facilitator, 'verify' | 'settle'> = {
    verify: facilitator.verify,
    settle: async (...given) => {
      settled = await facilitator.settle(...given)
      return new Promise(() => {})
    },
  }
  void shop(dying, () => new Response(`call ${++calls}`))(requestOf(payment))
  await expect.poll(() => settled).toMatchObject({ success: true })
  await restart()
  const answer = await shop(facilitator, () => expect.fail('called twice'))(requestOf(payment))
  expect([answer.status, await answer.text(), calls]).toEqual([200, 'call 1', 1])
})

test('behavior: what was refused in the end is not kept', async () => {
  const facilitator = await facilitatorOf(20_000)
  const refusing: Pick<Facilitator, 'verify' | 'settle'> = {
    verify: facilitator.verify,
    settle: async () => ({ success: false, transaction: '', network: 'eip155:31337', errorReason: 'gone' }),
  }
  const payment = await sign()
  const answer = await shop(refusing, () => new Response('secret'))(requestOf(payment))
  expect([answer.status, (await answer.text()).includes('secret')]).toEqual([402, false])
  expect(existsSync(join(folder, 'pending.jsonl'))).toBe(true)
  await restart()
  const again = await shop(refusing, () => new Response('anew'))(requestOf(payment))
  expect(again.status).toBe(402)
})

test('behavior: the paying fetch sends the same payment again until its outcome is known, and pays once', async () => {
  let calls = 0
  const before = await chain.balanceOf(accountAt(9).address)
  const facilitator = await facilitatorOf(300)
  const handle = shop(facilitator, () => new Response(`call ${++calls}`))
  const paid: string[] = []
  server = createServer(
    nodeListener((request) => {
      const payment = request.headers.get('payment-signature')
      if (payment !== null) paid.push(payment)
      return handle(request)
    }),
  )
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const budget = await openBudget({ path: join(folder, 'budget.jsonl'), limits: {} })
  const { deployment, currency } = chain
  const payments: Payment[] = []
  const fetch = createPayingFetch({
    ...{ deployment, currency, budget, signer: accountAt(1) },
    onPayment: (payment) => payments.push(payment),
  })
  await chain.client.setAutomine(false)
  const fetching = fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/weather`)
  await expect.poll(() => paid.length).toBeGreaterThan(1)
  await chain.client.setAutomine(true)
  await chain.client.mine({ blocks: 1 })
  const answer = await fetching
  expect([answer.status, await answer.text()]).toEqual([200, 'call 1'])
  expect(new Set(paid).size).toBe(1)
  expect(calls).toBe(1)
  expect(payments).toHaveLength(1)
  expect(budget.state().spent).toBe(1000n)
  expect(await chain.balanceOf(accountAt(9).address)).toBe(before + 1000n)
  await budget.close()
})
