import type { ChildProcess } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import type { Task } from '@a2a-js/sdk'
import { ClientFactory, ServiceParameters, withA2AExtensions } from '@a2a-js/sdk/client'
import {
  createCallDeals,
  createPayingFetch,
  decodePaymentRequired,
  encodePaymentPayload,
  headerNames,
  openBudget,
  openChannelWallet,
  type Payment,
  signExact,
} from '@millrace/pay'
import { a2aExtensionUri, a2aKeys, createAgentPayer, textPart } from '@millrace/pay/a2a'
import { getBalance, getChannel } from '@millrace/sdk'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { type Connection, connect } from '../src/connection/connect.ts'
import { openAccount } from '../src/connection/openAccount.ts'
import { freePort } from '../src/network/choosePort.ts'
import { kill, makeCommandHome, sellingAt } from './commandHome.ts'

/** `millrace sell` as a child process before a server of this test, on a network of its own. */
const { work, home, passphraseFile, start, millrace, done, up, down } = makeCommandHome('sell')

let seller: { readonly child: ChildProcess; readonly url: string } | null = null
async function endSeller(signal: NodeJS.Signals): Promise<void> {
  const child = seller?.child ?? null
  seller = null
  await kill(child, signal)
}
/** Sells the server behind; resolves once it says where. */
async function sell(...args: string[]): Promise<string> {
  // The same after a restart: what was paid for is bound to its address.
  port ||= (await freePort(0)) ?? 0
  return serve(String(port), '--upstream', upstream, ...args)
}
async function serve(...args: string[]): Promise<string> {
  const child = start(['sell', ...args, '--wallet', 'shop'])
  const url = await sellingAt(child)
  seller = { child, url }
  return url
}

let port = 0
/** On the channel of `client` to `shop`, in base units. */
let chargedBefore = 0n
let connection: Connection
let server: Server
let upstream: string
const asked: string[] = []
beforeAll(async () => {
  server = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk: Buffer) => {
      body += chunk
    })
    request.on('end', () => {
      asked.push(`${request.method} ${request.url} ${body}`)
      const text = `answer ${asked.length}: `
      const choice = (more: object) =>
        JSON.stringify({ id: 'c', object: 'text_completion', created: 1, ...more })
      if (request.url === '/v1/completions' && body.includes('"stream":true')) {
        response.setHeader('content-type', 'text/event-stream')
        response.end(`data: ${choice({ choices: [{ index: 0, text }] })}\n\ndata: [DONE]\n\n`)
      } else if (request.url === '/v1/completions') {
        response.setHeader('content-type', 'application/json')
        response.end(
          choice({ choices: [{ index: 0, text }], usage: { prompt_tokens: 1, completion_tokens: 1 } }),
        )
      } else if (request.url === '/broken' || body === 'break') {
        response.statusCode = 500
        response.end('broken')
      } else if (request.url === '/long') response.end(Buffer.alloc(2_500_000, 'x'))
      else if (request.url === '/words') {
        response.setHeader('content-type', 'text/event-stream')
        for (let word = 0; word < 30_000; word++)
          response.write(`data: ${JSON.stringify({ choices: [{ delta: { content: 'word' } }] })}\n\n`)
        response.end(`data: ${JSON.stringify({ usage: { completion_tokens: 29_000 } })}\n\ndata: [DONE]\n\n`)
      } else if (request.url === '/whole') {
        response.setHeader('content-type', 'application/json')
        response.end(JSON.stringify({ text: 'x'.repeat(500), usage: { completion_tokens: 120 } }))
      } else response.end(`answer ${asked.length}: ${body}`)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  upstream = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  await up(['shop', 'client', 'guest', 'haggler'])
  connection = await connect({}, home)
}, 300_000)
afterEach(() => endSeller('SIGKILL'))
afterAll(async () => {
  await down()
  server?.closeAllConnections()
  server?.close()
}, 120_000)

const accountOf = (wallet: string) => openAccount(connection, { wallet, passphraseFile })
const walletOf = async (account: `0x${string}`) => {
  const { deployment, client, currency } = connection
  return (await getBalance(client, { deployment, account, currency: currency.address })).wallet
}

test('behavior: a seller that is killed with an answer on its hands gives it for the same payment, once it is back', async () => {
  const shop = (await accountOf('shop')).account.address
  const client = (await accountOf('client')).account
  const before = await walletOf(shop)
  const url = await sell('--price', '0.001')
  const demand = await fetch(`${url}/once`)
  const { accepts } = decodePaymentRequired(demand.headers.get(headerNames.required) ?? '')
  const requirements = accepts.find(({ scheme }) => scheme === 'exact')
  if (requirements === undefined) throw new RangeError('it takes one-time payments')
  const payment = await signExact(client, { requirements, now: Math.floor(Date.now() / 1000) })
  const header = encodePaymentPayload(payment)
  const hits = asked.length
  const pay = () => fetch(`${url}/once`, { headers: { [headerNames.payment]: header } })
  // Killed as soon as the answer is on disk, which is before its payment is settled.
  const file = join(home, 'sell', String(connection.deployment.chainId), shop.toLowerCase(), 'pending.jsonl')
  const made = () => existsSync(file) && readFileSync(file, 'utf8').includes('"made"')
  const lost = pay().then(
    () => undefined,
    () => undefined,
  )
  const deadline = Date.now() + 60_000
  while (!made() && Date.now() < deadline) await new Promise((resolve) => setImmediate(resolve))
  await endSeller('SIGKILL')
  await lost
  await sell('--price', '0.001')
  const answer = async () => {
    const response = await pay()
    return response.status === 200 ? response.text() : null
  }
  await expect.poll(answer).toBe(`answer ${hits + 1}: `)
  expect(asked.length).toBe(hits + 1)
  expect(await walletOf(shop)).toBe(before + 1_000n)
  // And again: the same answer, not charged again.
  expect(await answer()).toBe(`answer ${hits + 1}: `)
  expect(await walletOf(shop)).toBe(before + 1_000n)
}, 240_000)

test('crash: what was agreed on outlives a seller that is killed in the haggle and in calls; each side counts the same', async () => {
  const payer = (await accountOf('haggler')).account
  const { deployment, client, currency } = connection
  const open = () => sell('--price', '0.001', '--floor', '0.0005')
  const url = `${await open()}/haggled`
  const budget = await openBudget({ path: join(work, 'budget-haggled'), limits: {} })
  const channels = await openChannelWallet({
    ...{ path: join(work, 'channels-haggled'), deployment, currency, budget, payer },
    ...{ maxDeposit: 5_000_000n, readChannel: (channel) => getChannel(client, { deployment, channel }) },
  })
  const deals = createCallDeals({ deployment, currency, client, signer: payer })
  const payments: Payment[] = []
  const onPayment = (payment: Payment) => payments.push(payment)
  const pay = createPayingFetch({ deployment, currency, budget, channels, deals, onPayment })
  const killed = async (work: Promise<unknown>, ms: number) => {
    const over = work.catch(() => undefined)
    await new Promise((resolve) => setTimeout(resolve, ms))
    await endSeller('SIGKILL')
    await over
    await open()
  }
  for (const ms of [3, 20]) await killed(deals.haggle(url, { reservation: 900n, calls: 20 }), ms)
  // One may have come through; this one does.
  for (const deal of deals.all()) deals.drop(deal)
  const deal = await deals.haggle(url, { reservation: 900n, calls: 20 })
  if (deal === null) throw new RangeError('their zones overlap')
  let lost = 0
  for (const ms of [1, 10, 40]) {
    const calls = Array.from({ length: 4 }, () => pay(url))
    await killed(Promise.allSettled(calls), ms)
    for (const call of await Promise.allSettled(calls)) if (call.status === 'rejected') lost++
  }
  while ((deals.all()[0]?.left ?? 0n) > 0n) expect((await pay(url)).status).toBe(200)
  expect(new Set(payments.map(({ amount }) => amount))).toEqual(new Set([deal.price]))
  expect(payments.length + lost).toBe(20)
  await pay(url)
  expect(payments.at(-1)?.amount).toBe(1_000n)
  // What was paid, and of what was lost with its answer at most its price.
  const known = payments.reduce((sum, { amount }) => sum + amount, 0n)
  const [own] = channels.channels()
  const listed = (await done('channel', 'show', own?.id ?? '')).channels
  const charged = BigInt(listed.find(({ side }: { side: string }) => side === 'payee').charged)
  expect(charged).toBeGreaterThanOrEqual(known)
  expect(charged).toBeLessThanOrEqual(known + BigInt(lost) * deal.price)
  await channels.close()
  await budget.close()
}, 240_000)

test.each([
  { how: 'whole, paid on a channel', stream: false, isOnce: false },
  { how: 'streamed, paid on a channel', stream: true, isOnce: false },
  { how: 'whole, paid by a transfer', stream: false, isOnce: true },
])(
  'crash: a seller of models that is killed with an answer made gives it by its key, once it is back, and charges it once: $how',
  async ({ stream, isOnce }) => {
    const shop = (await accountOf('shop')).account.address
    const payer = (await accountOf('client')).account
    const { deployment, client, currency } = connection
    const at = String((await freePort(0)) ?? 0)
    const sellModels = () =>
      serve(
        ...['openai', '--listen', at, '--upstream', `${upstream}/v1`, '--model', 'm', '--max-output', '8'],
        ...['--price-in', '0', '--price-out', stream ? '1000' : '0', '--price', '0.001'],
      )
    const url = await sellModels()
    const budget = await openBudget({ path: join(work, `budget-${stream}-${isOnce}`), limits: {} })
    const channels = await openChannelWallet({
      ...{ path: join(work, `channels-${stream}-${isOnce}`), deployment, currency, budget, payer },
      ...{ maxDeposit: 5_000_000n, readChannel: (channel) => getChannel(client, { deployment, channel }) },
    })
    const pay = createPayingFetch({
      ...{ deployment, currency, budget, ...(isOnce ? { signer: payer } : { channels }) },
    })
    const key = `key-${stream}-${isOnce}`
    const ask = async () => {
      const response = await pay(`${url}/completions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'idempotency-key': key },
        body: JSON.stringify({ model: 'm', prompt: 'x', max_tokens: 4, stream }),
      })
      return { status: response.status, text: await response.text() }
    }
    const before = await walletOf(shop)
    const hits = asked.length
    const file = join(home, 'sell', String(deployment.chainId), shop.toLowerCase(), 'calls.jsonl')
    const lines = () => (existsSync(file) ? readFileSync(file, 'utf8').split('\n') : [])
    const known = lines().length
    const isMade = () =>
      lines()
        .slice(Math.max(known - 1, 0))
        .some((line) => line.includes('"made"'))
    const lost = ask().then(
      () => undefined,
      () => undefined,
    )
    const deadline = Date.now() + 60_000
    while (!isMade() && Date.now() < deadline) await new Promise((resolve) => setImmediate(resolve))
    await endSeller('SIGKILL')
    await lost
    await sellModels()
    const first = await ask()
    expect([first.status, first.text]).toEqual([200, expect.stringContaining(`answer ${hits + 1}: `)])
    expect((await ask()).text).toBe(first.text)
    // Computed once, and charged once: the fixed part, and of the tokens at most what was held for them.
    expect(asked.length).toBe(hits + 1)
    const most = stream ? 5_000n : 1_000n
    if (isOnce) expect(await walletOf(shop)).toBe(before + most)
    else {
      const [own] = channels.channels()
      const listed = (await done('channel', 'show', own?.id ?? '')).channels
      const charged = BigInt(listed.find(({ side }: { side: string }) => side === 'payee').charged)
      expect(charged - chargedBefore).toBeGreaterThanOrEqual(1_000n)
      expect(charged - chargedBefore).toBeLessThanOrEqual(most)
      chargedBefore = charged
    }
    await channels.close()
    await budget.close()
  },
  240_000,
)

test('default: the same server is an agent of A2A: its card says that it is paid, a message is paid and answered', async () => {
  const url = await sell('--price', '0.002', '--skill', 'Weather report')
  const card = await (await fetch(`${url}/.well-known/agent-card.json`)).json()
  expect(card).toMatchObject({
    name: 'Weather report',
    capabilities: { extensions: [{ uri: a2aExtensionUri, required: true }] },
    supportedInterfaces: [{ url: `${url}/a2a`, protocolBinding: 'JSONRPC' }],
  })
  const { deployment, client } = connection
  const [currency] = deployment.currencies
  if (currency === undefined) throw new RangeError('the network has a currency')
  // A wallet of its own: what others promised on a channel counts against the budget of who finds it.
  const payer = (await accountOf('guest')).account
  const budget = await openBudget({ path: join(work, 'budget.jsonl'), limits: {} })
  const channels = await openChannelWallet({
    ...{
      path: join(work, 'channels.jsonl'),
      deployment,
      currency,
      budget,
    },
    ...{ payer, maxDeposit: 1_000_000n },
    readChannel: (channel) => getChannel(client, { deployment, channel }),
  })
  const agent = await new ClientFactory().createFromUrl(url)
  const serviceParameters = ServiceParameters.create(withA2AExtensions(a2aExtensionUri))
  const ask = createAgentPayer(
    { sendMessage: (params) => agent.sendMessage(params, { serviceParameters }) },
    { agent: url, deployment, currency, budget, channels },
  )
  const hits = asked.length
  const task = (await ask([textPart('Will it rain?')])) as Task
  const [artifact] = task.artifacts
  const [part] = artifact?.parts ?? []
  expect(part?.content).toEqual({ $case: 'text', value: `answer ${hits + 1}: Will it rain?` })
  expect(asked.at(-1)).toBe('POST / Will it rain?')
  expect(budget.state().spent).toBe(2_000n)
  // Its receipt verifies offline, by the command.
  writeFileSync(join(work, 'receipt'), String(task.status?.message?.metadata?.[a2aKeys.receipt]))
  const shop = (await accountOf('shop')).account.address
  expect(await done('receipt', 'receipt', '--signer', shop)).toMatchObject({
    type: 'call',
    signer: shop,
    receipt: { amount: '2000', payer: payer.address },
  })

  // What the server behind fails at is not charged; who asks for a list is told of nobody's tasks.
  const failed = (await ask([textPart('break')])) as Task
  expect(failed.artifacts).toEqual([])
  // What was promised for it buys the next answer.
  await ask([textPart('And tomorrow?')])
  expect(budget.state().spent).toBe(4_000n)
  const listed = await fetch(`${url}/a2a`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'a2a-version': '1.0' },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'ListTasks', params: {} }),
  })
  expect(await listed.text()).not.toContain(task.id)
  expect((await fetch(`${url}/a2a`)).status).toBe(402)
  await channels.close()
  await budget.close()
}, 240_000)

test('default: an answer is paid by the megabyte, the second or the token while it comes, by the command on both sides, and its receipt says what it cost', async () => {
  const url = await sell('--per-megabyte', '0.01', '--price', '0.002')
  const bought = await done('pay', `${url}/long`, '--wallet', 'client', '--max', '1')
  expect(bought.status).toBe(200)
  expect(bought.body).toHaveLength(2_500_000)
  expect(bought.paid).toMatchObject({ amount: '25000', scheme: 'stream' })
  await endSeller('SIGKILL')
  const timed = await sell('--per-second', '0.01')
  const quick = await done('pay', `${timed}/quick`, '--wallet', 'client', '--max', '1')
  expect(quick.status).toBe(200)
  // By the second, and it took some; never more than was promised for it.
  expect(BigInt(quick.paid.amount)).toBeLessThanOrEqual(1_000_000n)
  await endSeller('SIGKILL')
  // A base unit a token; a stretch is ten thousand tokens.
  const counted = await sell('--per-million-tokens', '1')
  const words = await done('pay', `${counted}/words`, '--wallet', 'client', '--max', '1')
  expect([words.status, words.paid.amount]).toEqual([200, '29000'])
  const whole = await done('pay', `${counted}/whole`, '--wallet', 'client', '--max', '1')
  expect([whole.status, whole.paid.amount]).toEqual([200, '120'])
}, 240_000)

test('error: a receipt that was altered, or is of something else, is refuted', async () => {
  const url = await sell('--price', '0.001')
  const { paid } = await done('pay', `${url}/a?b=c`, '--wallet', 'client')
  const write = (name: string, text: string) => writeFileSync(join(work, name), text)
  write('call', paid.receipt)
  const refused = async (code: string, ...args: string[]) => {
    const { out, err } = await millrace('receipt', ...args)
    expect(`${out}${err}`).toContain(`"${code}"`)
  }
  expect(await done('receipt', 'call', '--request', `GET ${url}/a?b=c`)).toMatchObject({ isPayee: true })
  await refused('RECEIPT_REFUTED', 'call', '--request', `GET ${url}/a?b=d`)
  await refused('RECEIPT_REFUTED', 'call', '--signer', '0x00000000000000000000000000000000000000fe')
  await refused('RECEIPT_REFUTED', 'call', '--terms', `0x${'11'.repeat(32)}`)
  const read = JSON.parse(Buffer.from(paid.receipt, 'base64').toString())
  const shop = (await accountOf('shop')).account.address
  read.receipt.amount = '1'
  write('altered', Buffer.from(JSON.stringify(read)).toString('base64'))
  await refused('RECEIPT_REFUTED', 'altered', '--signer', shop)
}, 240_000)
