import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  agreedTerms,
  getChannel,
  type HaggleMessage,
  haggle,
  handleHaggle,
  hashHaggleTerms,
  type KeptHaggle,
  timeDependent,
} from '@millrace/sdk'
import { bytesToHex, zeroHash } from 'viem'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  createPayingFetch,
  createPaywall,
  decodeCallReceipt,
  decodePaymentPayload,
  digestRequest,
  fundChannel,
  headerNames,
  nodeListener,
  openBudget,
  openChannelWallet,
  openLedger,
  streamScheme,
  verifyCallReceipt,
} from '../src/index.ts'
import { accountAt, startLocalChain } from './localChain.ts'

/** What was haggled for calls of a service: one hash in the terms, in the voucher that pays, and in the receipt. */
let chain: Awaited<ReturnType<typeof startLocalChain>>
let folder: string
beforeAll(async () => {
  chain = await startLocalChain()
  folder = mkdtempSync(join(tmpdir(), 'haggled-'))
})
afterAll(async () => {
  await chain?.stop()
  rmSync(folder, { recursive: true, force: true, maxRetries: 40, retryDelay: 50 })
})

const unixNow = () => Math.floor(Date.now() / 1000)
const listPrice = 1_000n

test('default: two programs agree on a price of calls, and voucher and receipt carry the hash of what they agreed on', async () => {
  const { deployment, currency, client } = chain
  const { chainId, market } = deployment
  const seller = privateKeyToAccount(generatePrivateKey())
  const buyer = accountAt(3)
  const hot = privateKeyToAccount(generatePrivateKey())
  const ledger = await openLedger({
    ...deployment,
    path: join(folder, 'ledger.jsonl'),
    payee: { account: seller.address },
    currency: currency.address,
    readChannel: (channel) => getChannel(client, { deployment, channel }),
    fund: (channel, authorization) => fundChannel(chain.walletOf(0), { deployment, channel, authorization }),
  })
  const haggles = new Map<string, KeptHaggle>()
  const handle = handleHaggle({
    ...{ chainId, market, client, signer: seller, now: unixNow },
    store: {
      get: async (id) => haggles.get(id) ?? null,
      put: async (kept) => void haggles.set(kept.haggle.id, kept),
    },
    plan: async () => ({
      strategy: timeDependent({ first: listPrice, reservation: 400n, shape: 1 }),
      reservation: 400n,
      quantity: 10n,
    }),
  })
  /** Sells at what the haggle named in the request's header came to, or at the list price. */
  const termsOf = (request: Request) => {
    const kept = haggles.get(request.headers.get('x-haggle') ?? '')
    return kept === undefined ? null : agreedTerms(kept.haggle)
  }
  const named: string[] = []
  const server = createServer(
    nodeListener(async (request) => {
      if (new URL(request.url).pathname === '/haggle') return handle(request)
      const agreed = termsOf(request)
      const terms = agreed === null ? zeroHash : hashHaggleTerms(agreed)
      const header = request.headers.get(headerNames.payment)
      if (header !== null) {
        const { payload } = decodePaymentPayload(header)
        if ('voucher' in payload) named.push((payload.voucher as { terms: string }).terms)
      }
      const paywall = createPaywall({
        schemes: [streamScheme({ ledger, deployment, currency, terms })],
        receipts: seller,
      })
      const amount = agreed === null ? listPrice : BigInt(agreed.price)
      return paywall.charge(request, { price: () => ({ amount }) }, () => new Response('42'))
    }),
  )
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const budget = await openBudget({ path: join(folder, 'budget.jsonl'), limits: {} })
  const channels = await openChannelWallet({
    ...{ path: join(folder, 'channels.jsonl'), deployment, currency, budget, maxDeposit: 1_000_000n },
    ...{ payer: buyer, signer: hot },
    readChannel: (channel) => getChannel(client, { deployment, channel }),
  })
  const pay = createPayingFetch({ deployment, currency, budget, channels })

  const ended = await haggle({
    ...{ chainId, market, client, signer: buyer, now: unixNow },
    call: {
      version: 1,
      salt: bytesToHex(crypto.getRandomValues(new Uint8Array(32))),
      ...{ buyer: buyer.address, seller: seller.address, currency: currency.address },
      subject: { type: 'calls', url: `${url}/answer`, unit: 'call' },
      quantity: { least: '1', most: '100' },
      ...{ maxPrice: String(listPrice), maxRounds: 8 },
      ...{ deadline: unixNow() + 60, validUntil: unixNow() + 600 },
    },
    strategy: timeDependent({ first: 200n, reservation: 800n, shape: 1 }),
    reservation: 800n,
    quantity: 10n,
    async exchange(message) {
      const sent = await fetch(`${url}/haggle`, { method: 'POST', body: JSON.stringify(message) })
      return ((await sent.json()) as { answer: HaggleMessage | null }).answer
    },
  })
  const agreed = agreedTerms(ended)
  if (agreed === null) throw new RangeError('their zones overlap')
  const terms = hashHaggleTerms(agreed)

  const answer = await pay(`${url}/answer`, { headers: { 'x-haggle': ended.id } })
  expect(await answer.text()).toBe('42')
  const signed = decodeCallReceipt(answer.headers.get('Millrace-Receipt') ?? '')
  const request = digestRequest({ method: 'GET', url: `${url}/answer`, body: new Uint8Array() })
  await verifyCallReceipt(signed, { seller: seller.address, request, most: BigInt(agreed.price), terms })
  expect(signed.receipt).toMatchObject({ terms, amount: BigInt(agreed.price), scheme: 'stream' })
  expect(named).toEqual([terms])
  const { channel } = { channel: signed.receipt.reference.split(':')[0] as `0x${string}` }
  expect(ledger.book(channel)?.best?.voucher.terms).toBe(terms)

  // Another hash in the receipt, or none: named by its field, and the signature is over it.
  await expect(verifyCallReceipt(signed, { seller: seller.address, terms: zeroHash })).rejects.toMatchObject({
    code: 'CALL_RECEIPT_INVALID',
    details: { field: 'terms' },
  })
  const altered = { ...signed, receipt: { ...signed.receipt, terms: zeroHash } }
  await expect(verifyCallReceipt(altered, { seller: seller.address })).rejects.toMatchObject({
    details: { field: 'signer' },
  })

  // At the list price there is nothing agreed: zero in both.
  const listed = await pay(`${url}/answer`)
  const plain = decodeCallReceipt(listed.headers.get('Millrace-Receipt') ?? '')
  expect(plain.receipt).toMatchObject({ terms: zeroHash, amount: listPrice })
  expect(named.at(-1)).toBe(zeroHash)

  await channels.close()
  await budget.close()
  await ledger.close()
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
})
