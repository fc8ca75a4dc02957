import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { JournalWriteError } from '@millrace/journal'
import {
  agreedTerms,
  confirm,
  getChannel,
  haggle,
  hashHaggleTerms,
  mintTestDollars,
  timeDependent,
} from '@millrace/sdk'
import { bytesToHex, type Hash, type LocalAccount, zeroHash } from 'viem'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  type CallDeals,
  type CallHagglingOptions,
  createCallDeals,
  createPayingFetch,
  createPaywall,
  decodeCallReceipt,
  decodePaymentRequired,
  digestRequest,
  encodePaymentRequired,
  fundChannel,
  haggleHeader,
  hagglePath,
  headerNames,
  nodeListener,
  openBudget,
  openCallHaggling,
  openChannelWallet,
  openLedger,
  type Payment,
  type SellerScheme,
  streamScheme,
  verifyCallReceipt,
} from '../src/index.ts'
import { accountAt, startLocalChain } from './localChain.ts'

/** Calls that are haggled for: one hash in the terms, in the voucher that pays, and in the receipt; and what either side may try. */
let chain: Awaited<ReturnType<typeof startLocalChain>>
let folder: string
beforeAll(async () => {
  chain = await startLocalChain()
  folder = mkdtempSync(join(tmpdir(), 'haggled-'))
})
afterAll(async () => {
  for (const end of ends.reverse()) await end()
  await chain?.stop()
  rmSync(folder, { recursive: true, force: true })
})

const ends: (() => Promise<unknown>)[] = []
const unixNow = () => Math.floor(Date.now() / 1000)
const listPrice = 1_000n
const floor = 400n
let files = 0

/** A seller of `/answer`, of `/other` at the same price, of `/answer?large` at ten times it, and of `/firm` without haggling. */
async function openSeller(
  options: Partial<CallHagglingOptions> & {
    readonly status?: () => number
    /** Whether the disk refuses the payment that comes now, whose answer is made meanwhile. */
    readonly isFull?: () => boolean
  } = {},
) {
  const { deployment, currency, client } = chain
  const account = privateKeyToAccount(generatePrivateKey())
  const path = join(folder, `seller-${files++}`)
  const ledger = await openLedger({
    ...deployment,
    path: `${path}-ledger.jsonl`,
    payee: { account: account.address },
    currency: currency.address,
    readChannel: (channel) => getChannel(client, { deployment, channel }),
    fund: (channel, authorization) => fundChannel(chain.walletOf(0), { deployment, channel, authorization }),
  })
  ends.push(() => ledger.close())
  const open = () =>
    openCallHaggling({
      ...{ path: `${path}-haggles.jsonl`, deployment, currency, client, signer: account },
      offer: ({ pathname, searchParams }) =>
        pathname === '/firm'
          ? { price: listPrice, floor: listPrice }
          : searchParams.has('large')
            ? { price: 10n * listPrice, floor: 10n * floor }
            : { price: listPrice, floor },
      ...options,
    })
  let haggling = await open()
  ends.push(() => haggling.close())
  const { isFull = () => false } = options
  const scheme = streamScheme({ ledger, deployment, currency })
  const filling: SellerScheme = {
    ...scheme,
    async reserve(...given) {
      const reservation = await scheme.reserve(...given)
      if (!isFull()) return reservation
      const kept = Promise.reject(new JournalWriteError({ path, cause: new RangeError('ENOSPC') }))
      kept.catch(() => undefined)
      return Object.assign(reservation, { kept })
    },
  }
  const paywall = createPaywall({ schemes: [filling], receipts: account })
  const answer = () => new Response('42', { status: options.status?.() ?? 200 })
  /** Changes what leaves the server: what a hostile seller would do. */
  const seller = { tamper: (response: Response): Response => response }
  const server = createServer(
    nodeListener(async (request) =>
      seller.tamper(await haggling.sell(paywall, answer, { ahead: true })(request)),
    ),
  )
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  ends.push(async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })
  return Object.assign(seller, {
    account,
    ledger,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async restart() {
      await haggling.close()
      haggling = await open()
    },
  })
}

async function openBuyer(payer: LocalAccount, options: { readonly now?: () => number } = {}) {
  const { deployment, currency, client } = chain
  const path = join(folder, `buyer-${files++}`)
  const money = { currency: currency.address, to: payer.address, amount: 1_000_000n }
  await confirm(client, await mintTestDollars(chain.walletOf(0), money))
  const budget = await openBudget({ path: `${path}-budget.jsonl`, limits: {} })
  const channels = await openChannelWallet({
    ...{ path: `${path}-channels.jsonl`, deployment, currency, budget, maxDeposit: 1_000_000n, payer },
    readChannel: (channel) => getChannel(client, { deployment, channel }),
  })
  ends.push(
    () => budget.close(),
    () => channels.close(),
  )
  const deals = createCallDeals({ deployment, currency, client, signer: payer, ...options })
  const payments: Payment[] = []
  const onPayment = (payment: Payment) => payments.push(payment)
  const paying = { deployment, currency, budget, channels, onPayment }
  return {
    ...{ deals, budget, payments, paying },
    pay: createPayingFetch({ ...paying, deals }),
    /** Pays what is asked, and knows of no deal. */
    plain: createPayingFetch(paying),
    paid: () => payments.reduce((sum, { amount }) => sum + amount, 0n),
  }
}

const agree = async (deals: CallDeals, url: string, calls: number) => {
  const deal = await deals.haggle(url, { reservation: 800n, calls })
  if (deal === null) throw new RangeError('their zones overlap')
  return deal
}
const codeOf = async (response: Response) => (await response.json()).error.code

test('default: two programs agree on a price; voucher and receipt carry its hash; after its calls the list price counts', async () => {
  const seller = await openSeller()
  const { deals, pay, payments } = await openBuyer(accountAt(3))
  const url = `${seller.url}/answer`
  const deal = await agree(deals, url, 3)
  expect(deal.price).toBeGreaterThanOrEqual(floor)
  expect(deal.price).toBeLessThanOrEqual(800n)
  expect(deal).toMatchObject({ listPrice, left: 3n, hash: hashHaggleTerms(deal.terms) })

  for (let call = 0; call < 3; call++) {
    const answer = await pay(`${url}?call=${call}`)
    expect(await answer.text()).toBe('42')
    const signed = decodeCallReceipt(answer.headers.get('Millrace-Receipt') ?? '')
    const request = digestRequest({ method: 'GET', url: `${url}?call=${call}`, body: new Uint8Array() })
    const expected = { seller: seller.account.address, request, most: deal.price, terms: deal.hash }
    await verifyCallReceipt(signed, expected)
    expect(signed.receipt).toMatchObject({ terms: deal.hash, amount: deal.price, scheme: 'stream' })
    const channel = signed.receipt.reference.split(':')[0] as Hash
    expect(seller.ledger.book(channel)?.best?.voucher.terms).toBe(deal.hash)
    // Another hash in the receipt, or none: named by its field, and the signature is over it.
    await expect(verifyCallReceipt(signed, { ...expected, terms: zeroHash })).rejects.toMatchObject({
      ...{ code: 'CALL_RECEIPT_INVALID', details: { field: 'terms' } },
    })
    const altered = { ...signed, receipt: { ...signed.receipt, terms: zeroHash } }
    await expect(verifyCallReceipt(altered, { seller: seller.account.address })).rejects.toMatchObject({
      details: { field: 'signer' },
    })
  }
  const listed = await pay(url)
  const plain = decodeCallReceipt(listed.headers.get('Millrace-Receipt') ?? '')
  expect(plain.receipt).toMatchObject({ terms: zeroHash, amount: listPrice })
  expect(payments.map(({ amount }) => amount)).toEqual([deal.price, deal.price, deal.price, listPrice])
  const [book] = seller.ledger.books()
  expect(book?.spent).toBe(3n * deal.price + listPrice)
})

test('behavior: calls at once never get more than was agreed on, and cost what they cost to the unit', async () => {
  const seller = await openSeller()
  const { deals, pay, paid } = await openBuyer(accountAt(4))
  const url = `${seller.url}/answer`
  const deal = await agree(deals, url, 5)
  const answers = await Promise.all(Array.from({ length: 20 }, () => pay(url)))
  expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 20 }, () => 200))
  expect(paid()).toBe(5n * deal.price + 15n * listPrice)
  expect(seller.ledger.books().reduce((sum, { spent }) => sum + spent, 0n)).toBe(paid())
})

test('behavior: a fetch that wishes haggles once for calls at once, and again when its calls are used', async () => {
  const seller = await openSeller()
  const { deals, paying, payments } = await openBuyer(accountAt(10))
  const pay = createPayingFetch({ ...paying, deals, wish: { reservation: 800n, calls: 10 } })
  const url = `${seller.url}/answer`
  await Promise.all(Array.from({ length: 10 }, () => pay(url)))
  const [first, other] = deals.all()
  expect([first?.left, other]).toEqual([0n, undefined])
  expect(payments.map(({ amount }) => amount)).toEqual(Array.from({ length: 10 }, () => first?.price))
  await pay(url)
  expect(deals.all().map(({ left }) => left)).toEqual([0n, 9n])
  expect(payments.at(-1)).toMatchObject({ amount: deals.all()[1]?.price, deal: { id: deals.all()[1]?.id } })
  // What does not haggle is paid as it is.
  await pay(`${seller.url}/firm`)
  expect(payments.at(-1)?.amount).toBe(listPrice)
})

test('behavior: nothing is agreed on that costs nothing', async () => {
  const seller = await openSeller({ offer: () => ({ price: 3n, floor: 0n }) })
  const { deals, pay, paid } = await openBuyer(accountAt(3))
  const deal = await deals.haggle(`${seller.url}/answer`, { reservation: 1n, calls: 2 })
  expect(deal?.price).toBe(1n)
  await pay(`${seller.url}/answer`)
  expect(paid()).toBe(1n)
})

test('behavior: an answer that fails is not charged and is no call of the deal, for either side', async () => {
  let status = 500
  const seller = await openSeller({ status: () => status })
  const { deals, pay, paid } = await openBuyer(accountAt(5))
  const deal = await agree(deals, `${seller.url}/answer`, 1)
  for (let call = 0; call < 3; call++) expect((await pay(`${seller.url}/answer`)).status).toBe(500)
  expect([paid(), deals.all()[0]?.left]).toEqual([0n, 1n])
  status = 200
  expect((await pay(`${seller.url}/answer`)).status).toBe(200)
  expect([paid(), deals.all()[0]?.left]).toEqual([deal.price, 0n])
})

test('behavior: an answer that was made for a payment which the disk does not take is no call of the deal', async () => {
  let full = 2
  const seller = await openSeller({ isFull: () => full-- > 0 })
  const { deals, plain, paid } = await openBuyer(accountAt(11))
  const url = `${seller.url}/answer`
  const deal = await agree(deals, url, 1)
  const naming = { headers: { [haggleHeader]: deal.id } }
  // The same payment is sent again until it is taken.
  expect((await plain(url, naming)).status).toBe(200)
  expect(full).toBeLessThan(0)
  expect((await plain(url, naming)).status).toBe(409)
  expect(paid()).toBe(deal.price)
  expect(seller.ledger.books().reduce((sum, { spent }) => sum + spent, 0n)).toBe(paid())
})

test('behavior: what was agreed on and used outlives a restart of the seller', async () => {
  const seller = await openSeller()
  const { deals, pay, plain, payments } = await openBuyer(accountAt(6))
  const url = `${seller.url}/answer`
  const deal = await agree(deals, url, 2)
  await pay(url)
  await seller.restart()
  await pay(url)
  expect(payments.map(({ amount }) => amount)).toEqual([deal.price, deal.price])
  await seller.restart()
  const third = await plain(url, { headers: { [haggleHeader]: deal.id } })
  expect([third.status, await codeOf(third)]).toEqual([409, 'HAGGLE_VOID'])
})

describe('error: HaggleVoidError, and nothing is charged', () => {
  test('for another payer, another path, a dearer query, a name of nothing, calls beyond those agreed on', async () => {
    const seller = await openSeller()
    const buyer = await openBuyer(accountAt(3))
    const thief = await openBuyer(accountAt(7))
    const url = `${seller.url}/answer`
    const deal = await agree(buyer.deals, url, 1)
    const naming = (id: string) => ({ headers: { [haggleHeader]: id } })
    const refused = async (answer: Promise<Response>, reason: string) => {
      const response = await answer
      const { error } = await response.json()
      expect({ status: response.status, ...error }).toMatchObject({
        ...{ status: 409, code: 'HAGGLE_VOID', message: expect.stringContaining(reason) },
      })
      expect(response.headers.get(haggleHeader)).toBe('void')
    }
    await refused(thief.plain(url, naming(deal.id)), 'does not pay')
    await refused(buyer.plain(`${seller.url}/other`, naming(deal.id)), 'it is about')
    await refused(buyer.plain(`${url}?large`, naming(deal.id)), 'it is about')
    await refused(buyer.plain(url, naming(`0x${'1'.repeat(64)}`)), 'nothing was agreed on')
    await refused(buyer.plain(url, naming('x')), 'nothing was agreed on')
    expect([buyer.paid(), thief.paid()]).toEqual([0n, 0n])
    await buyer.pay(url)
    await refused(buyer.plain(url, naming(deal.id)), 'all of its 1 calls are used')
    expect(buyer.paid()).toBe(deal.price)
    expect(seller.ledger.books().reduce((sum, { spent }) => sum + spent, 0n)).toBe(deal.price)
  })

  test('once its time is over; the buyer then pays the list price', async () => {
    let skew = 0
    const now = () => unixNow() + skew
    const seller = await openSeller({ now })
    const { deals, pay, plain, payments } = await openBuyer(accountAt(8), { now })
    const url = `${seller.url}/answer`
    const deal = await agree(deals, url, 5)
    skew = 3_601
    const late = await plain(url, { headers: { [haggleHeader]: deal.id } })
    expect([late.status, await codeOf(late)]).toEqual([409, 'HAGGLE_VOID'])
    await pay(url)
    expect(payments.map(({ amount }) => amount)).toEqual([listPrice])
    expect(deals.all()).toEqual([])
  })
})

test('error: a voucher that does not carry what was agreed on pays nothing at the agreed price', async () => {
  const seller = await openSeller()
  const { deals, plain, paid } = await openBuyer(accountAt(9))
  const url = `${seller.url}/answer`
  const { id, price } = await agree(deals, url, 3)
  const unhashed = (response: Response) => {
    const header = response.headers.get(headerNames.required)
    if (header === null) return response
    const { accepts, ...rest } = decodePaymentRequired(header)
    const bare = accepts.map((way) => ({ ...way, extra: { ...way.extra, terms: zeroHash } }))
    const headers = new Headers(response.headers)
    headers.set(headerNames.required, encodePaymentRequired({ ...rest, accepts: bare }))
    return new Response(null, { status: response.status, headers })
  }
  // The demand is altered on its way: the buyer signs a voucher without the hash, at the agreed price.
  seller.tamper = unhashed
  await expect(plain(url, { headers: { [haggleHeader]: id } })).rejects.toMatchObject({
    code: 'PAYMENT_LOOP',
  })
  expect([paid(), seller.ledger.books().reduce((sum, { spent }) => sum + spent, 0n)]).toEqual([0n, 0n])
  seller.tamper = (response) => response
  await plain(url, { headers: { [haggleHeader]: id } })
  expect(paid()).toBe(price)
})

test.each([
  ['amount', (way: { amount: string }) => ({ ...way, amount: listPrice.toString() })],
  [
    'terms',
    (way: { extra?: object | undefined }) => ({
      ...way,
      extra: { ...way.extra, terms: `0x${'2'.repeat(64)}` },
    }),
  ],
  ['scheme', (way: object) => ({ ...way, scheme: 'exact', extra: { name: 'x', version: '1' } })],
])(
  'error: DealBrokenError where a seller asks for another %s than agreed, and nothing is paid',
  async (field, alter) => {
    const seller = await openSeller()
    const buyer = await openBuyer(accountAt(3))
    const { deployment, currency } = chain
    const url = `${seller.url}/answer`
    await agree(buyer.deals, url, 3)
    seller.tamper = (response) => {
      const header = response.headers.get(headerNames.required)
      if (header === null) return response
      const { accepts, ...rest } = decodePaymentRequired(header)
      const headers = new Headers(response.headers)
      const altered = accepts.map((way) => alter(way) as (typeof accepts)[number])
      headers.set(headerNames.required, encodePaymentRequired({ ...rest, accepts: altered }))
      return new Response(null, { status: response.status, headers })
    }
    const { deals, budget } = buyer
    const pay = createPayingFetch({
      deployment,
      currency,
      budget,
      channels: await noChannels(),
      signer: accountAt(3),
      deals,
    })
    await expect(pay(url)).rejects.toMatchObject({ code: 'DEAL_BROKEN', details: { field } })
    expect(budget.state().spent).toBe(0n)
    expect(deals.all()).toEqual([])

    async function noChannels() {
      const wallet = await openChannelWallet({
        ...{
          path: join(folder, `none-${files++}.jsonl`),
          deployment,
          currency,
          budget,
          maxDeposit: 1_000_000n,
        },
        ...{
          payer: accountAt(3),
          readChannel: (channel) => getChannel(chain.client, { deployment, channel }),
        },
      })
      ends.push(() => wallet.close())
      return wallet
    }
  },
)

describe('no deal', () => {
  test('default: null where the seller is firm, asks for nothing, or does not go so low', async () => {
    const seller = await openSeller()
    const { deals } = await openBuyer(accountAt(3))
    expect(await deals.haggle(`${seller.url}/firm`)).toBeNull()
    expect(await deals.haggle(`${seller.url}/answer`, { reservation: floor - 1n })).toBeNull()
    expect(await deals.haggle(`${seller.url}${hagglePath}`)).toBeNull()
    expect(deals.all()).toEqual([])
  })

  const domain = () => ({ chainId: chain.deployment.chainId, market: chain.deployment.market })
  async function ask(
    seller: Awaited<ReturnType<typeof openSeller>>,
    changed: (call: ReturnType<typeof callOf>) => object = (call) => call,
  ) {
    let said: { error?: { code: string; message: string; retryable?: boolean } } = {}
    const ended = await haggle({
      ...{ ...domain(), client: chain.client, signer: accountAt(3), now: unixNow },
      call: { ...callOf(seller), ...changed(callOf(seller)) } as ReturnType<typeof callOf>,
      strategy: timeDependent({ first: 300n, reservation: 900n, shape: 1 }),
      ...{ reservation: 900n, quantity: 2n },
      async exchange(message) {
        const body = JSON.stringify(message)
        said = await (await fetch(`${seller.url}${hagglePath}`, { method: 'POST', body })).json()
        return (said as { answer?: never }).answer ?? null
      },
    }).catch(() => null)
    return { terms: ended === null ? null : agreedTerms(ended), said }
  }
  const callOf = (seller: Awaited<ReturnType<typeof openSeller>>) => ({
    ...{ version: 1 as const, salt: bytesToHex(crypto.getRandomValues(new Uint8Array(32))) },
    ...{ buyer: accountAt(3).address, seller: seller.account.address, currency: chain.currency.address },
    subject: { type: 'calls' as const, url: `${seller.url}/answer`, unit: 'call' },
    quantity: { least: '1', most: '2' },
    ...{ maxPrice: '1000', maxRounds: 8, deadline: unixNow() + 60, validUntil: unixNow() + 600 },
  })

  test('error: CallHaggleRefusedError names what is not sold so', async () => {
    let skew = 0
    const seller = await openSeller({ mostCalls: 10, mostSeconds: 900, now: () => unixNow() + skew })
    const { subject } = callOf(seller)
    const cases: readonly [object, string][] = [
      [{ subject: { ...subject, unit: 'token' } }, "it sells by the 'call'"],
      [{ subject: { ...subject, url: `${seller.url}/firm` } }, 'at its list price only'],
      [{ seller: accountAt(7).address }, 'sells here'],
      [{ currency: accountAt(7).address }, 'it is paid in'],
      [{ quantity: { least: '1', most: '11' } }, '1 to 10 calls'],
      [{ quantity: { least: '0', most: '1' } }, '1 to 10 calls'],
      [{ validUntil: unixNow() + 5_000 }, 'holds for 900 s'],
      [{ maxRounds: 2 }, 'at least 4 rounds'],
    ]
    for (const [changed, message] of cases) {
      const { said, terms } = await ask(seller, () => changed)
      expect(terms).toBeNull()
      expect(said.error).toMatchObject({
        code: 'CALL_HAGGLE_REFUSED',
        message: expect.stringContaining(message),
      })
    }
    // By the seller's clock four seconds are left of this one.
    skew = 96
    const { said } = await ask(seller, () => ({ deadline: unixNow() + 100 }))
    expect(said.error).toMatchObject({ message: expect.stringContaining('at least 5 s') })
    skew = 0
    expect((await ask(seller)).terms).not.toBeNull()
  })

  test('error: no more haggles at once than its seller keeps, and room again when they are over', async () => {
    let skew = 0
    const seller = await openSeller({ mostKept: 3, now: () => unixNow() + skew })
    const begin = () =>
      haggle({
        ...{ ...domain(), client: chain.client, signer: accountAt(3), now: unixNow },
        ...{ call: callOf(seller), strategy: timeDependent({ first: 1n, reservation: 2n, shape: 1 }) },
        ...{ reservation: 2n, quantity: 2n },
        async exchange(message) {
          // It says nothing more once it has an answer.
          if (message.act !== 'call') throw new RangeError('silent')
          const body = JSON.stringify(message)
          const answer = await fetch(`${seller.url}${hagglePath}`, { method: 'POST', body })
          return (await answer.json()).answer
        },
      }).catch(() => null)
    for (let opened = 0; opened < 3; opened++) await begin()
    const { said } = await ask(seller)
    expect(said.error).toMatchObject({ code: 'CALL_HAGGLE_REFUSED', retryable: true })
    skew = 61
    // Their deadline is over; ours, by the seller's clock, not.
    const later = await ask(seller, (call) => ({ ...call, deadline: unixNow() + 120 }))
    expect(later.said.error).toBeUndefined()
    expect(later.terms).not.toBeNull()
  })

  test.each([
    ['no JSON', 'moved', 200],
    ['a message of nothing', '{"answer":{"act":"accept"}}', 200],
    ['an endless answer', 'x'.repeat(70_000), 200],
    ['a refusal', '{"error":{"code":"CALL_HAGGLE_REFUSED","message":"no"}}', 400],
  ])('error: HaggleUnansweredError at %s', async (_, body, status) => {
    const seller = await openSeller()
    const { deals } = await openBuyer(accountAt(3))
    seller.tamper = (response) => (response.status === 402 ? response : new Response(body, { status }))
    await expect(deals.haggle(`${seller.url}/answer`)).rejects.toMatchObject({ code: 'HAGGLE_UNANSWERED' })
    expect(deals.all()).toEqual([])
  })
})
