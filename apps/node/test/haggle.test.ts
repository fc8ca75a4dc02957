import { readFile, writeFile } from 'node:fs/promises'
import {
  checkHaggledOffer,
  type HaggleCall,
  type HaggleMessage,
  haggle,
  hashOffer,
  openSession,
  type PublishedOffer,
  type Session,
  type Signer,
  signHaggleMessage,
  timeDependent,
  verifyHaggledLease,
  webSocketTransport,
} from '@millrace/sdk'
import { bytesToHex, type Hex } from 'viem'
import { generatePrivateKey, type PrivateKeyAccount, privateKeyToAccount } from 'viem/accounts'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { nodePaths, type RunningNode } from '../src/index.ts'
import { eventually, hire } from './buyer.ts'
import { startTestNetwork, type TestNetwork, type Wallet } from './testNetwork.ts'
import { freshOffer, makeGateway, makeHome, type TestGateway, type TestHome, testConfig } from './testNode.ts'

let network: TestNetwork
let gateway: TestGateway
let home: TestHome
let node: RunningNode
let listed: PublishedOffer
const openMost = 4

beforeAll(async () => {
  network = await startTestNetwork()
  gateway = await makeGateway(network)
  const config = testConfig(network, [gateway.url])
  const policy = { enabled: true, floorPrice: '0.2', openMost, messagesPerMinute: 1000 }
  home = await makeHome(network, { ...config, haggle: policy })
  node = await home.start()
  listed = await freshOffer(gateway, node.asset)
})
afterAll(async () => {
  await node?.close()
  await gateway?.close()
  await home?.remove()
  await network?.close()
})

const unixNow = () => Math.floor(Date.now() / 1000)
const domain = () => ({ chainId: network.deployment.chainId, market: network.deployment.market })
/** A session for anyone, as soon as the machine is at the relay. */
const talk = () =>
  eventually(async () => {
    const url = `${gateway.url.replace('http', 'ws')}/v1/relay/session?device=${listed.spec.device}`
    const session = await openSession({
      transport: webSocketTransport(new WebSocket(url) as never),
      sessionKey: listed.spec.sessionKey,
      lease: null,
      ...domain(),
      now: unixNow(),
      timeout: 20_000,
    })
    await session.request('ping', {})
    return session
  })
const callOf = (buyer: Signer, changed: Partial<HaggleCall> = {}): HaggleCall => ({
  version: 1,
  salt: bytesToHex(crypto.getRandomValues(new Uint8Array(32))),
  buyer: buyer.address,
  seller: listed.operator,
  currency: listed.currency,
  subject: { type: 'lease', asset: String(listed.offer.asset), spec: listed.offer.spec },
  quantity: { least: '60', most: '60' },
  maxPrice: String(listed.offer.pricePerHour),
  maxRounds: 8,
  deadline: unixNow() + 100,
  validUntil: unixNow() + 120,
  ...changed,
})
async function bargain(session: Session, signer: Signer, reservation = 350_000n) {
  let offer: PublishedOffer | null = null
  let last: HaggleMessage | null = null
  const transcript = await haggle({
    ...domain(),
    client: network.client,
    signer,
    call: callOf(signer),
    strategy: timeDependent({ first: reservation / 2n, reservation, shape: 1 }),
    reservation,
    quantity: 60n,
    now: unixNow,
    async exchange(message) {
      const { result } = await session.request('haggle', { message })
      offer = result.offer ?? offer
      last = message
      return result.answer
    },
  })
  return { transcript, offer: offer as PublishedOffer | null, last: last as HaggleMessage | null }
}
const opening = (signer: Signer, changed: Partial<HaggleCall> = {}) =>
  signHaggleMessage(signer, { act: 'call', call: callOf(signer, changed) }, { ...domain(), haggle: null })
const stranger = (): PrivateKeyAccount => privateKeyToAccount(generatePrivateKey())
const accountOf = (wallet: Wallet) => wallet.account as PrivateKeyAccount
const refusal = (work: Promise<unknown>) =>
  work.then(
    () => 'taken',
    (error: { reason?: string; message: string }) => `${error.reason}: ${error.message}`,
  )

test('error: HAGGLE_REFUSED, what the call asks and this machine does not do', async () => {
  const session = await talk()
  const cases: readonly (readonly [Partial<HaggleCall>, string])[] = [
    [{ seller: network.deployment.market }, 'its operator is'],
    [{ currency: network.deployment.market }, 'it is paid in'],
    [{ subject: { type: 'lease', asset: '999', spec: listed.offer.spec } }, 'the call names 999'],
    [{ subject: { type: 'calls', url: 'http://localhost/', unit: 'token' } }, "sells no 'calls'"],
    [
      { subject: { type: 'lease', asset: String(listed.offer.asset), spec: `0x${'00'.repeat(32)}` } },
      'it does not offer spec',
    ],
    [{ quantity: { least: '60', most: '3601' } }, 'it leases 1 to 3600 s'],
    [{ validUntil: unixNow() + 4000 }, 'its offers live 300 s'],
    [{ deadline: unixNow() + 2 }, 'it haggles for at least 5 s'],
    [{ maxRounds: 3 }, 'it haggles in at least 4 rounds'],
  ]
  for (const [changed, text] of cases) {
    const message = await opening(stranger(), changed)
    const said = await refusal(session.request('haggle', { message }))
    expect(said).toContain('HAGGLE_REFUSED')
    expect(said).toContain(text)
  }
  session.close()
})

test('behavior: an agreement is one offer, also for the same message again and after a crash before it was noted; nothing is sold twice', async () => {
  const wallet = await network.buyer()
  const session = await talk()
  const { journal } = nodePaths(home.home)
  const before = await readFile(journal)
  const { transcript, offer, last } = await bargain(session, accountOf(wallet))
  if (offer === null || last === null) throw new RangeError('they agreed')
  const terms = transcript.proposals.at(-1)
  if (terms === undefined) throw new RangeError('a price was named')
  checkHaggledOffer(offer, terms)
  expect(offer.offer.pricePerHour).toBeGreaterThanOrEqual(200_000n)
  expect(offer.offer.pricePerHour).toBeLessThan(listed.offer.pricePerHour)
  // The one slot is promised now: to nobody else.
  const said = await refusal(session.request('haggle', { message: await opening(stranger()) }))
  expect(said).toContain('hired or promised')
  // Not advertised.
  const { offers } = await gateway.client.searchOffers({ query: `asset=${node.asset}` })
  expect(offers.map(({ published }) => published.offer.terms)).not.toContain(offer.offer.terms)

  const again = await session.request('haggle', { message: last })
  expect(again.result.offer).toEqual(offer)
  session.close()
  await node.close()
  // As if it had been killed when the haggle was on disk and the offer not yet in the journal.
  await writeFile(journal, before)
  node = await home.start()
  const after = await talk()
  const later = await after.request('haggle', { message: last })
  expect(later.result.offer).toEqual(offer)

  const lease = await hire(network, wallet, { offer, duration: 60 })
  expect(lease).toBe(hashOffer(offer.offer, domain()))
  const seen = await eventually(async () => (await node.status()).leases.find((one) => one.lease === lease))
  expect(seen.lease).toBe(lease)
  expect(await refusal(after.request('haggle', { message: await opening(stranger()) }))).toContain(
    'hired or promised',
  )
  after.close()
})

test('behavior: a buyer that is a contract haggles by its owner’s signature (ERC-1271)', async () => {
  const owner = stranger()
  const address = stranger().address
  const bytecode: Hex = `0x60043560005260a43560001a602052606435604052608435606052602060006080600060015afa5060005173${owner.address.slice(2)}14631626ba7e60e01b0260005260206000f3`
  await network.client.setCode({ address, bytecode })
  const contract: Signer = { address, signTypedData: (data) => owner.signTypedData(data) }
  const config = testConfig(network, [gateway.url])
  const other = await makeHome(network, { ...config, haggle: { enabled: true, floorPrice: '0.2' } })
  const second = await other.start()
  try {
    const mine = listed
    listed = await freshOffer(gateway, second.asset)
    const session = await talk()
    const forged = await opening({ address, signTypedData: (data) => stranger().signTypedData(data) })
    expect(await refusal(session.request('haggle', { message: forged }))).toContain('SIGNATURE_INVALID')
    const { transcript, offer } = await bargain(session, contract)
    if (offer === null) throw new RangeError('they agreed')
    expect(offer.offer.buyer).toBe(address)
    const { asset, buyer, pricePerHour } = offer.offer
    const lease = { id: hashOffer(offer.offer, domain()), asset, buyer, pricePerHour }
    const proof = { messages: transcript.messages, published: offer, lease }
    const terms = await verifyHaggledLease(proof, { client: network.client })
    expect(terms.buyer).toBe(address)
    // Without the chain nobody can say what a contract signs.
    await expect(verifyHaggledLease(proof)).rejects.toMatchObject({ code: 'SIGNATURE_INVALID' })
    session.close()
    listed = mine
  } finally {
    await second.close()
    await other.remove()
  }
})

test('error: HAGGLE_BUSY with too many open haggles, or messages in a minute', async () => {
  const config = testConfig(network, [gateway.url])
  const limits = { enabled: true, openMost: 2, messagesPerMinute: 10 }
  const other = await makeHome(network, { ...config, haggle: limits })
  const second = await other.start()
  try {
    listed = await freshOffer(gateway, second.asset)
    const session = await talk()
    const open = async () => refusal(session.request('haggle', { message: await opening(stranger()) }))
    expect(await open()).toBe('taken')
    expect(await open()).toBe('taken')
    expect(await open()).toContain('2 haggles are open, 2 allowed')
    const said: string[] = []
    // A new minute may begin in between.
    for (let n = 0; n < 20; n++) said.push(await open())
    expect(said.join()).toContain('10 messages this minute, 10 allowed')
    session.close()
  } finally {
    await second.close()
    await other.remove()
  }
})
