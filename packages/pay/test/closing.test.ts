import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import {
  type Channel,
  claimVouchers,
  closeChannelFor,
  confirm,
  getBalance,
  getChannel,
  hashChannel,
  mintTestDollars,
  requestClose,
  type SignedVoucher,
  signClose,
  signVoucher,
} from '@millrace/sdk'
import { type Hash, zeroHash } from 'viem'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { getBlock } from 'viem/actions'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  askToClose,
  type ClaimEvent,
  closeHeader,
  closeTerms,
  closeVoucher,
  createPayingFetch,
  createPaywall,
  fundChannel,
  type Ledger,
  nodeListener,
  openBudget,
  openChannelWallet,
  openLedger,
  readChannelAt,
  startClaimer,
  streamScheme,
} from '../src/index.ts'
import { claimOf } from '../src/ledger/startClaimer.ts'
import { encodeHeader } from '../src/wire/base64.ts'
import { accountAt, startLocalChain } from './localChain.ts'

let chain: Awaited<ReturnType<typeof startLocalChain>>
let folder: string
const children: ChildProcess[] = []
const servers: Server[] = []
const price = 700n

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'closing-'))
  chain = await startLocalChain()
})
afterAll(async () => {
  for (const child of children) child.kill('SIGKILL')
  for (const server of servers) server.close()
  await chain?.stop()
  rmSync(folder, { recursive: true, force: true, maxRetries: 40, retryDelay: 50 })
})

let names = 0
const fileOf = (name: string) => join(folder, `${name}-${names++}.jsonl`)
/** The chain's own clock; one that is asked for nothing shows an old block. */
const timeOf = async () => Number((await getBlock(chain.client)).timestamp)
const later = async (seconds: number) => {
  await chain.client.increaseTime({ seconds })
  await chain.client.mine({ blocks: 1 })
}
const untilOf = async (seconds = 200) => Math.max(await timeOf(), Math.floor(Date.now() / 1000)) + seconds
const tillOf = async (account: `0x${string}`) =>
  (await getBalance(chain.client, { deployment: chain.deployment, account, currency: chain.token })).till

/** A payer with money, its purse, and a fetch that pays. */
async function openPayer() {
  const { deployment, currency } = chain
  const payer = privateKeyToAccount(generatePrivateKey())
  const mint = { currency: currency.address, to: payer.address, amount: 1_000_000_000n }
  await confirm(chain.walletOf(0), await mintTestDollars(chain.walletOf(0), mint))
  const budget = await openBudget({ path: fileOf('budget'), limits: {} })
  const channels = await openChannelWallet({
    ...{ path: fileOf('wallet'), deployment, currency, payer, budget },
    readChannel: (channel) => getChannel(chain.client, { deployment, channel }),
    maxDeposit: 1_000n * price,
  })
  const fetch = createPayingFetch({ deployment, currency, budget, channels })
  const only = (): Channel => {
    const [own] = channels.channels()
    if (own === undefined) throw new RangeError('no channel yet')
    return own.channel
  }
  return { payer, budget, channels, fetch, only }
}

/** A seller that agrees to ends, in this process. */
async function openSeller(options: { readonly sends?: boolean; readonly gate?: () => Promise<void> } = {}) {
  const { deployment, currency } = chain
  const payee = privateKeyToAccount(generatePrivateKey())
  const relay = chain.walletOf(1)
  const ledger = await openLedger({
    ...{ ...deployment, path: fileOf('ledger'), payee: { account: payee.address }, currency: chain.token },
    readChannel: (channel) => getChannel(chain.client, { deployment, channel }),
    readChannelAt: (channel) => readChannelAt(chain.client, { deployment, channel }),
    fund: (channel, authorization) => fundChannel(relay, { deployment, channel, authorization }),
  })
  const send = async (
    { deadline, signature }: { readonly deadline: number; readonly signature: `0x${string}` },
    { channel, ...last }: SignedVoucher & { readonly channel: Channel },
  ): Promise<Hash> => {
    const hash = await closeChannelFor(relay, { deployment, channel, last, deadline, signature })
    await confirm(relay, hash)
    return hash
  }
  const closer = { signer: payee, ...(options.sends === true ? { send } : {}) }
  const paywall = createPaywall({ schemes: [streamScheme({ ledger, deployment, currency, closer })] })
  const route = { price: { amount: price } }
  let served = 0
  const url = await listen(
    nodeListener((request) =>
      paywall.charge(request, route, async () => {
        await options.gate?.()
        served++
        return new Response('served')
      }),
    ),
  )
  return { payee, ledger, url, served: () => served }
}

async function listen(listener: Parameters<typeof createServer>[1]): Promise<string> {
  const server = createServer(listener)
  servers.push(server)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/data`
}

/** What a payer signs by hand, to try what the library would not. */
async function wishOf(
  payer: ReturnType<typeof privateKeyToAccount>,
  channel: Channel,
  wish: { readonly spent: bigint; readonly until: number; readonly epoch?: bigint; readonly terms?: Hash },
) {
  const { deployment } = chain
  const { spent, until, epoch = 0n } = wish
  const plain = closeVoucher({ channel: hashChannel(channel, deployment), epoch, spent, until })
  const voucher = { ...plain, terms: wish.terms ?? plain.terms }
  return { channel, voucher, signature: await signVoucher(payer, voucher, deployment), until, send: false }
}

/** Asks without the library; bigints travel as text. */
async function askByHand(url: string, wish: object) {
  const text = JSON.stringify(wish, (_, value) => (typeof value === 'bigint' ? value.toString() : value))
  const response = await fetch(url, {
    headers: { [closeHeader]: encodeHeader(closeHeader, JSON.parse(text)) },
  })
  return { status: response.status, body: (await response.json()) as { error?: { code: string } } }
}

describe('ends of channels by consent', () => {
  test('default: the rest of the deposit is the payer’s at once, the seller has exactly what it charged, and a new life begins', async () => {
    const { deployment } = chain
    const seller = await openSeller()
    const buyer = await openPayer()
    for (let call = 0; call < 5; call++) expect((await buyer.fetch(seller.url)).status).toBe(200)
    const channel = buyer.only()
    const id = hashChannel(channel, deployment)
    const { deposit } = await getChannel(chain.client, { deployment, channel: id })
    const until = await untilOf()
    const agreed = await askToClose({ channels: buyer.channels, channel, url: seller.url, until })
    expect(agreed).toMatchObject({
      channel: id,
      epoch: 0n,
      claimed: 5n * price,
      deadline: until,
      transaction: null,
    })

    // Anyone sends it; here somebody who is neither.
    const anyone = chain.walletOf(2)
    await confirm(anyone, await closeChannelFor(anyone, { deployment, ...agreed, channel }))
    await agreed.over()
    expect(await tillOf(seller.payee.address)).toBe(5n * price)
    expect(await tillOf(buyer.payer.address)).toBe(deposit - 5n * price)

    // The next payment opens the channel anew, by an authorization of the payer.
    expect((await buyer.fetch(seller.url)).status).toBe(200)
    const again = await getChannel(chain.client, { deployment, channel: id })
    expect(again).toMatchObject({ state: 'open', epoch: 1n })
    expect(seller.ledger.book(id)).toMatchObject({ epoch: 1n, spent: price, endsBy: null })
    await buyer.channels.close()
  })

  test('behavior: a payer without gas has the seller send it', async () => {
    const seller = await openSeller({ sends: true })
    const buyer = await openPayer()
    await buyer.fetch(seller.url)
    const channel = buyer.only()
    const agreed = await askToClose({
      ...{ channels: buyer.channels, channel, url: seller.url, until: await untilOf(), send: true },
    })
    expect(agreed.transaction).toMatch(/^0x[0-9a-f]{64}$/)
    await agreed.over()
    const state = await getChannel(chain.client, { deployment: chain.deployment, channel: agreed.channel })
    expect(state).toMatchObject({ state: 'none', epoch: 1n })
    expect(await tillOf(seller.payee.address)).toBe(price)
  })

  test('attack: a payer that agreed to the end is not served, by no voucher, old or new, until the deadline is over on chain', async () => {
    const seller = await openSeller()
    const buyer = await openPayer()
    await buyer.fetch(seller.url)
    const channel = buyer.only()
    const before = seller.served()
    const until = await untilOf()
    const agreed = await askToClose({ channels: buyer.channels, channel, url: seller.url, until })
    await expect(buyer.fetch(seller.url)).rejects.toMatchObject({ code: 'CHANNEL_ENDING' })
    const { voucher: last } = agreed.last
    const voucher = { ...last, cumulative: 10n * price, terms: zeroHash }
    const signature = await signVoucher(buyer.payer, voucher, chain.deployment)
    const ending = { code: 'CHANNEL_ENDING' }
    await expect(seller.ledger.hold({ channel, voucher, signature }, price)).rejects.toMatchObject(ending)
    await expect(seller.ledger.accept({ channel, voucher, signature })).rejects.toMatchObject(ending)
    const tick = { word: zeroHash, ticks: 1 }
    expect(() => seller.ledger.tick(agreed.channel, tick)).toThrow(expect.objectContaining(ending))
    const known = { channel: agreed.channel, anchor: zeroHash, tick }
    await expect(seller.ledger.hold(known, price)).rejects.toMatchObject(ending)
    expect(seller.served()).toBe(before)

    // Not used by its deadline: the channel is open again, and the signature is worth nothing.
    await later(250)
    const { deployment } = chain
    const anyone = chain.walletOf(2)
    await expect(closeChannelFor(anyone, { deployment, ...agreed, channel })).rejects.toMatchObject({
      name: 'RevertError',
    })
    expect((await seller.ledger.hold({ channel, voucher, signature }, price)).held).toBe(price)
  })

  test('attack: a close below what was charged, or while a request is in flight, is refused; nothing ends', async () => {
    let open: () => void = () => {}
    let gate = Promise.resolve()
    const seller = await openSeller({ gate: () => gate })
    const buyer = await openPayer()
    await buyer.fetch(seller.url)
    const channel = buyer.only()
    const until = await untilOf()
    for (const spent of [0n, price - 1n, price + 1n]) {
      const answer = await askByHand(seller.url, await wishOf(buyer.payer, channel, { spent, until }))
      expect(answer).toMatchObject({
        status: 409,
        body: { error: { code: 'CLOSE_SUM_WRONG' }, channel: { spent: price.toString() } },
      })
    }
    gate = new Promise((resolve) => {
      open = resolve
    })
    const flying = buyer.fetch(seller.url)
    const id = hashChannel(channel, chain.deployment)
    await expect.poll(() => seller.ledger.book(id)?.holds, { timeout: 60_000 }).toBe(1)
    for (const spent of [price, 2n * price]) {
      const answer = await askByHand(seller.url, await wishOf(buyer.payer, channel, { spent, until }))
      expect(answer).toMatchObject({ status: 409, body: { error: { code: 'CHANNEL_BUSY' } } })
    }
    await expect(
      askToClose({ channels: buyer.channels, channel, url: seller.url, until }),
    ).rejects.toMatchObject({ code: 'CHANNEL_BUSY' })
    open()
    expect((await flying).status).toBe(200)
    expect((await buyer.fetch(seller.url)).status).toBe(200)
    expect(seller.ledger.book(id)).toMatchObject({ spent: 3n * price, endsBy: null })
  })

  test('attack: a seller that says it charged more than was promised, or signs another sum, gets nothing', async () => {
    const buyer = await openPayer()
    const seller = await openSeller()
    await buyer.fetch(seller.url)
    const channel = buyer.only()
    const id = hashChannel(channel, chain.deployment)
    const book = seller.ledger.book(id)
    const snapshot = {
      ...{ channel: id, epoch: '0', spent: '500000', worth: '500000', deposit: '900000', claimed: '0' },
      ...{ best: null, ticks: 0 },
    }
    const greedy = await listen(
      nodeListener(() =>
        Response.json(
          { error: { code: 'CLOSE_SUM_WRONG', message: 'more' }, channel: snapshot },
          { status: 409 },
        ),
      ),
    )
    const ask = async (url: string) =>
      askToClose({ channels: buyer.channels, channel, url, until: await untilOf() })
    await expect(ask(greedy)).rejects.toMatchObject({ code: 'SNAPSHOT_FORGED' })
    const deadline = await untilOf()
    const other = await listen(
      nodeListener(async () => {
        const sum = { channel: id, epoch: 0n, claimed: 9_000n, deadline }
        const signature = await signClose(seller.payee, sum, chain.deployment)
        return Response.json({ ...sum, epoch: '0', claimed: '9000', signature, transaction: null })
      }),
    )
    await expect(ask(other)).rejects.toMatchObject({ code: 'CLOSE_REFUSED' })
    const silent = await listen(nodeListener(() => new Response('who?', { status: 404 })))
    await expect(ask(silent)).rejects.toMatchObject({ code: 'CLOSE_REFUSED' })
    // The payer’s signature over the true sum is all that there is, and it is worth that.
    expect(book).toMatchObject({ spent: price, worth: price })
    expect((await buyer.fetch(seller.url)).status).toBe(200)
  })

  test('attack: vouchers that are not of this wish, of another life, of a stranger, too late or too far are refused with their codes', async () => {
    const seller = await openSeller()
    const buyer = await openPayer()
    await buyer.fetch(seller.url)
    const channel = buyer.only()
    const until = await untilOf()
    const wish = (changes: Partial<Parameters<typeof wishOf>[2]> = {}) =>
      wishOf(buyer.payer, channel, { spent: price, until, ...changes })
    const now = await timeOf()
    const stranger = privateKeyToAccount(generatePrivateKey())
    const good = await wish()
    const cases: readonly [string, number, object][] = [
      // Any voucher that was claimed is public: it must not end a channel.
      ['CLOSE_REQUEST_INVALID', 400, await wish({ terms: zeroHash })],
      ['CLOSE_REQUEST_INVALID', 400, await wish({ terms: closeTerms(until + 1) })],
      ['CLOSE_REQUEST_INVALID', 400, await wish({ until: now })],
      ['CLOSE_REQUEST_INVALID', 400, await wish({ until: until + 1_000 })],
      ['INVALID_INPUT', 400, { ...good, until: -1 }],
      ['INVALID_INPUT', 400, { ...good, further: 1 }],
      ['VOUCHER_FOREIGN', 409, await wish({ epoch: 1n })],
      ['VOUCHER_SIGNATURE_INVALID', 409, await wishOf(stranger, channel, { spent: price, until })],
      ['CHANNEL_FOREIGN', 409, { ...good, channel: { ...channel, payee: accountAt(3).address } }],
    ]
    for (const [code, status, body] of cases)
      expect(await askByHand(seller.url, body), code).toMatchObject({ status, body: { error: { code } } })
    const response = await fetch(seller.url, { headers: { [closeHeader]: 'no base64!' } })
    expect(response.status).toBe(400)
    const id = hashChannel(channel, chain.deployment)
    expect(seller.ledger.book(id)?.endsBy).toBeNull()

    // One whose payer announced the end already: the delay protects the seller, and it signs nothing.
    await chain.client.setBalance({ address: buyer.payer.address, value: 10n ** 18n })
    const { walletOf, deployment } = chain
    const own = { ...walletOf(0), account: buyer.payer }
    await confirm(chain.client, await requestClose(own, { deployment, channel }))
    expect(await askByHand(seller.url, good)).toMatchObject({
      ...{ status: 409, body: { error: { code: 'CHANNEL_NOT_OPEN' } } },
    })
  })

  test('attack: a wish that is repeated gets the same answer, and none once it is over', async () => {
    const seller = await openSeller()
    const buyer = await openPayer()
    await buyer.fetch(seller.url)
    const channel = buyer.only()
    const until = await untilOf()
    const good = await wishOf(buyer.payer, channel, { spent: price, until })
    const first = await askByHand(seller.url, good)
    expect(first.status).toBe(200)
    expect(await askByHand(seller.url, good)).toEqual(first)
    await later(250)
    // Whoever has seen it cannot end the channel by it again.
    expect(await askByHand(seller.url, good)).toMatchObject({
      ...{ status: 400, body: { error: { code: 'CLOSE_REQUEST_INVALID' } } },
    })
    expect((await buyer.fetch(seller.url)).status).toBe(200)
  })

  test('behavior: the claimer sends nothing for a channel that ends, and claims it once the deadline is over', async () => {
    const { deployment } = chain
    const seller = await openSeller()
    const buyer = await openPayer()
    await buyer.fetch(seller.url)
    const channel = buyer.only()
    const events: ClaimEvent[] = []
    const claimer = startClaimer({
      ...{ ledger: seller.ledger, client: chain.walletOf(3), deployment, everyMs: 3_600_000 },
      costOf: async () => 10n ** 18n,
      onEvent: (event) => events.push(event),
    })
    await claimer.claimNow()
    await askToClose({ channels: buyer.channels, channel, url: seller.url, until: await untilOf() })
    await claimer.claimNow({ all: true })
    expect(events).toEqual([])
    // A payer that announces the end too gains nothing by it: the deadline is over long before the delay.
    await chain.client.setBalance({ address: buyer.payer.address, value: 10n ** 18n })
    const own = { ...chain.walletOf(0), account: buyer.payer }
    await confirm(chain.client, await requestClose(own, { deployment, channel }))
    await claimer.claimNow()
    expect(events.map(({ event }) => event)).toEqual(['closing'])
    await later(250)
    await claimer.claimNow()
    expect(events.map(({ event }) => event)).toEqual(['closing', 'claimed'])
    expect(await tillOf(seller.payee.address)).toBe(price)
    await claimer.stop()
  })

  test('behavior: an address that sells without consent says so, and the payer is told', async () => {
    const { deployment, currency } = chain
    const payee = accountAt(9).address
    const ledger: Ledger = await openLedger({
      ...{ ...deployment, path: fileOf('ledger'), payee: { account: payee }, currency: chain.token },
      readChannel: (channel) => getChannel(chain.client, { deployment, channel }),
      fund: (channel, authorization) =>
        fundChannel(chain.walletOf(1), { deployment, channel, authorization }),
    })
    const paywall = createPaywall({ schemes: [streamScheme({ ledger, deployment, currency })] })
    const route = { price: { amount: price } }
    const url = await listen(
      nodeListener((request) => paywall.charge(request, route, () => new Response('served'))),
    )
    const buyer = await openPayer()
    await buyer.fetch(url)
    const asked = askToClose({ channels: buyer.channels, channel: buyer.only(), url, until: await untilOf() })
    await expect(asked).rejects.toMatchObject({
      code: 'CLOSE_REFUSED',
      details: { reason: expect.stringContaining('CLOSE_UNSUPPORTED') },
    })
    expect((await buyer.fetch(url)).status).toBe(200)
  })
})

/** A seller in a process of its own. */
async function startSeller(given: object) {
  const script = fileURLToPath(new URL('./seller.process.ts', import.meta.url))
  const { deployment, url: rpc } = chain
  const argument = JSON.stringify({ deployment, rpc, port: 0, price: price.toString(), ...given })
  const child = spawn(process.execPath, ['--conditions=source', '--import', 'tsx', script, argument], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  children.push(child)
  const [line] = (await once(child.stdout, 'data')) as [Buffer]
  return { child, url: `http://127.0.0.1:${line.toString().trim()}/data` }
}

test('crash: killed between writing that a channel ends and signing it, a seller serves nothing on it, and signs the same again', async () => {
  const { deployment } = chain
  const key = generatePrivateKey()
  const payee = privateKeyToAccount(key).address
  const path = fileOf('ledger')
  const dying = await startSeller({ path, payee, closer: { key, dies: true } })
  const buyer = await openPayer()
  for (let call = 0; call < 3; call++) expect((await buyer.fetch(dying.url)).status).toBe(200)
  const channel = buyer.only()
  const until = await untilOf()
  const gone = once(dying.child, 'exit')
  await expect(
    askToClose({ channels: buyer.channels, channel, url: dying.url, until }),
  ).rejects.not.toMatchObject({ code: 'CLOSE_REFUSED' })
  await gone

  const seller = await startSeller({ path, payee, closer: { key, dies: false } })
  // A wallet of a payer that forgot all: the seller has to know by itself.
  const voucher = {
    ...closeVoucher({ channel: hashChannel(channel, deployment), epoch: 0n, spent: 4n * price, until }),
    terms: zeroHash,
  }
  const required = (await (await fetch(seller.url)).json()) as { accepts: { scheme: string }[] }
  expect(required).toMatchObject({ error: 'payment required' })
  const signature = await signVoucher(buyer.payer, voucher, deployment)
  const payHeader = (await fetch(seller.url)).headers.get('PAYMENT-REQUIRED') ?? ''
  const { accepts } = JSON.parse(atob(payHeader)) as { accepts: object[] }
  const text = JSON.stringify(
    { x402Version: 2, accepted: accepts[0], payload: { channel, voucher, signature } },
    (_, value) => (typeof value === 'bigint' ? value.toString() : value),
  )
  const paid = await fetch(seller.url, { headers: { 'PAYMENT-SIGNATURE': btoa(text) } })
  expect(paid.status).toBe(402)
  expect(JSON.parse(atob(paid.headers.get('PAYMENT-REQUIRED') ?? ''))).toMatchObject({
    error: 'channel_ending',
  })

  const good = await wishOf(buyer.payer, channel, { spent: 3n * price, until })
  const answer = await askByHand(seller.url, good)
  expect(answer).toMatchObject({ status: 200, body: { claimed: (3n * price).toString(), deadline: until } })
  const { signature: consent } = answer.body as { signature?: `0x${string}` }
  const anyone = chain.walletOf(4)
  const { voucher: exact, signature: proof } = good
  const close = { deployment, channel, last: { voucher: exact, signature: proof }, deadline: until }
  await confirm(anyone, await closeChannelFor(anyone, { ...close, signature: consent ?? '0x' }))
  expect(await tillOf(payee)).toBe(3n * price)
})

test('attack: what the payee could claim besides the agreed end never passes what was promised', async () => {
  const { deployment } = chain
  const seller = await openSeller()
  const buyer = await openPayer()
  await buyer.fetch(seller.url)
  const channel = buyer.only()
  const agreed = await askToClose({
    ...{ channels: buyer.channels, channel, url: seller.url, until: await untilOf() },
  })
  // The seller takes both: it claims first, then the close is sent. They are of one sum.
  const wallet = chain.walletOf(4)
  const claims = seller.ledger.books().flatMap(claimOf)
  await confirm(wallet, await claimVouchers(wallet, { deployment, claims }))
  await confirm(wallet, await closeChannelFor(wallet, { deployment, ...agreed, channel }))
  expect(await tillOf(seller.payee.address)).toBe(price)
})
