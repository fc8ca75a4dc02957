import type { ChildProcess } from 'node:child_process'
import {
  agreedTerms,
  checkHaggledOffer,
  getBalance,
  type Haggle,
  type HaggleCall,
  type HaggleMessage,
  haggle,
  hashHaggleMessage,
  type PublishedOffer,
  type PublishedOfferJson,
  type Session,
  timeDependent,
} from '@millrace/sdk'
import { bytesToHex, type Hash } from 'viem'
import type { PrivateKeyAccount } from 'viem/accounts'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { controlClient, type RunningNode } from '../src/index.ts'
import { dial, eventually, hire, jobIn, jobOf } from './buyer.ts'
import { accountForAll } from './money.ts'
import { startTestNetwork, type TestNetwork, type Wallet } from './testNetwork.ts'
import { freshOffer, makeGateway, makeHome, type TestGateway, type TestHome, testConfig } from './testNode.ts'

/** What breaks off a haggle: the machine is killed, or leaves service. Nothing half-agreed costs anybody anything. */
let network: TestNetwork
let gateway: TestGateway
let buyer: Wallet
beforeAll(async () => {
  network = await startTestNetwork()
  gateway = await makeGateway(network)
  buyer = await network.buyer()
})
afterAll(async () => {
  await gateway?.close()
  await network?.close()
})

const unixNow = () => Math.floor(Date.now() / 1000)
const domain = () => ({ chainId: network.deployment.chainId, market: network.deployment.market })
const haggling = () => {
  const config = testConfig(network, [gateway.url])
  return makeHome(network, {
    ...config,
    // Each start of a killed node takes seconds, and much longer on a busy machine.
    offer: { ...config.offer, ttl: 3_600 },
    haggle: { enabled: true, floorPrice: '0.2', messagesPerMinute: 1000 },
  })
}
const moneyOf = async () => {
  const { deployment, client } = network
  const [currency] = deployment.currencies
  if (currency === undefined) throw new RangeError('there is a currency')
  const { till, wallet } = await getBalance(client, {
    ...{ deployment, account: buyer.account.address, currency: currency.address },
  })
  return till + wallet
}
const callOf = (listed: PublishedOffer): HaggleCall => ({
  version: 1,
  salt: bytesToHex(crypto.getRandomValues(new Uint8Array(32))),
  ...{ buyer: buyer.account.address, seller: listed.operator, currency: listed.currency },
  subject: { type: 'lease', asset: String(listed.offer.asset), spec: listed.offer.spec },
  quantity: { least: '60', most: '60' },
  ...{ maxPrice: String(listed.offer.pricePerHour), maxRounds: 8 },
  ...{ deadline: unixNow() + 3_000, validUntil: unixNow() + 3_500 },
})

interface Answer {
  readonly answer: HaggleMessage | null
  readonly offer: PublishedOffer | null
}
/** Haggles as the buyer; `send` brings a message to the machine. */
async function bargain(listed: PublishedOffer, send: (message: HaggleMessage) => Promise<Answer>) {
  let offer: PublishedOffer | null = null
  const ended = await haggle({
    ...{ ...domain(), client: network.client, signer: buyer.account as PrivateKeyAccount, now: unixNow },
    ...{ call: callOf(listed), reservation: 350_000n, quantity: 60n },
    strategy: timeDependent({ first: 175_000n, reservation: 350_000n, shape: 1 }),
    async exchange(message) {
      const answered = await send(message)
      offer = answered.offer ?? offer
      return answered.answer
    },
  })
  return { ended, offer: offer as PublishedOffer | null }
}
const reach = (offer: PublishedOffer): Promise<Session> =>
  eventually(() => dial(network, { gateway: gateway.url, offer, lease: null }).catch(() => null))
const ask = async (session: Session, message: HaggleMessage): Promise<Answer> =>
  (await session.request('haggle', { message }, undefined, { timeout: 10_000 })).result

function agreedOn({ ended, offer }: { readonly ended: Haggle; readonly offer: PublishedOffer | null }) {
  const terms = agreedTerms(ended)
  if (terms === null || offer === null) throw new RangeError('their zones overlap: they agree')
  checkHaggledOffer(offer, terms)
  return offer
}

/** A generator of numbers in [0, 1) that a seed repeats (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

describe('kill -9 of the machine', () => {
  const seed = Number(process.env.MILLRACE_SEED ?? 11)
  const random = seeded(seed)
  let home: TestHome
  let child: ChildProcess | null = null
  afterAll(async () => {
    if (child !== null) await kill(child)
    await home?.remove()
  })
  const kill = async (process: ChildProcess) => {
    const gone = new Promise((resolve) => process.once('exit', resolve))
    process.kill('SIGKILL')
    await gone
  }

  test(`behavior: before a message, while it is answered and after (seed ${seed}): one answer each, one deal, no money moved until it is opened`, async () => {
    home = await haggling()
    child = await home.spawn()
    const { asset } = await controlClient(home.home).status()
    const listed = await freshOffer(gateway, BigInt(asset))
    const before = await moneyOf()
    /** All that was ever answered to a message. */
    const answers = new Map<Hash, Set<string>>()
    const offers = new Set<string>()
    let kills = 0
    const again = async () => {
      kills++
      if (child !== null) await kill(child)
      child = await home.spawn()
    }
    const keep = (message: HaggleMessage, { answer, offer }: Answer): Answer => {
      const digest = hashHaggleMessage(message, domain())
      const said = answers.get(digest) ?? new Set()
      answers.set(digest, said.add(JSON.stringify(answer)))
      if (offer !== null)
        offers.add(JSON.stringify(offer satisfies PublishedOffer | PublishedOfferJson, plain))
      return { answer, offer }
    }
    const dealt = await bargain(listed, async (message) => {
      const dice = random()
      if (dice < 0.3) await again()
      if (dice >= 0.3 && dice < 0.7) {
        // In the middle: it may have been heard, noted and answered, or nothing of all that.
        const session = await reach(listed)
        const lost = ask(session, message).then(
          (answer) => void keep(message, answer),
          () => undefined,
        )
        await new Promise((resolve) => setTimeout(resolve, random() * 15))
        await again()
        session.close()
        await lost
      }
      const answer = await eventually(async () => {
        const session = await reach(listed)
        return ask(session, message)
          .then((said) => keep(message, said))
          .catch((error: { readonly reason?: string }) => {
            // A node that just started may have no fresh offer yet; any other refusal is a fault.
            if (error.reason !== undefined && error.reason !== 'HAGGLE_REFUSED') throw error
            return null
          })
          .finally(() => session.close())
      })
      if (dice >= 0.7 && dice < 0.8) await again()
      return answer
    })
    expect(kills).toBeGreaterThan(1)
    for (const said of answers.values()) expect(said.size).toBe(1)
    expect(offers.size).toBe(1)
    expect(await moneyOf()).toBe(before)
    expect(await accountForAll(network)).toEqual([])

    // Killed once more before it is opened: the machine knows its own offer, and works.
    const offer = agreedOn(dealt)
    await again()
    const lease = await hire(network, buyer, { offer, duration: 60 })
    const session = await eventually(() =>
      dial(network, { gateway: gateway.url, offer, lease, buyer }).catch(() => null),
    )
    await eventually(() =>
      session.request('job.start', { job: jobOf('true'), bundle: null }).catch(() => null),
    )
    await jobIn(session, 'done')
    session.close()
    const [settled] = await eventually(() => accountForAll(network).catch(() => null), 200)
    if (settled === undefined) throw new RangeError('there was one lease')
    expect(settled.earned + settled.refunded).toBe(settled.deposit)
    expect(before - (await moneyOf())).toBe(settled.earned)
  }, 600_000)
})

describe('a machine that is drained', () => {
  let home: TestHome
  let node: RunningNode
  beforeAll(async () => {
    home = await haggling()
    node = await home.start()
  })
  afterAll(async () => {
    await node?.close()
    await home?.remove()
  })

  test('behavior: in the middle of a haggle it says no more, and takes up the same haggle when it is back in service', async () => {
    const listed = await freshOffer(gateway, node.asset)
    const before = await moneyOf()
    let session = await reach(listed)
    const refusals: string[] = []
    let sent = 0
    const dealt = await bargain(listed, async (message) => {
      if (++sent === 2) {
        await node.drain()
        refusals.push(await ask(session, message).then(() => 'taken', String))
        session.close()
        // With no lease to serve it soon ends by itself.
        await node.done
        node = await home.start()
        await freshOffer(gateway, node.asset)
        session = await reach(listed)
      }
      return eventually(() => ask(session, message).catch(() => null))
    })
    session.close()
    // It says why, unless it is gone already.
    expect(refusals).toHaveLength(1)
    expect(refusals).not.toContain('taken')
    const offer = agreedOn(dealt)
    expect(await moneyOf()).toBe(before)

    // Agreed on, not yet opened, and drained for good: the offer is void, and opening it costs nothing.
    await node.drain()
    await node.done
    await expect(hire(network, buyer, { offer, duration: 60 })).rejects.toMatchObject({
      code: expect.stringMatching(/OFFER_CANCELLED|NONCE/),
    })
    expect(await moneyOf()).toBe(before)
  }, 300_000)
})

const plain = (_: string, value: unknown) => (typeof value === 'bigint' ? value.toString() : value)
