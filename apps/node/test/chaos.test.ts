import {
  confirm,
  getLease,
  hashOffer,
  openLease,
  type PublishedOffer,
  parse,
  publishedOfferSchema,
  stopLease,
} from '@millrace/sdk'
import type { Hex } from 'viem'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { controlClient, NodeRunningError, type RunningNode } from '../src/index.ts'
import { dial, eventually, hire, jobIn, jobOf, readLog } from './buyer.ts'
import { accountForAll } from './money.ts'
import { type RpcProxy, startRpcProxy } from './rpcProxy.ts'
import { startTestNetwork, type TestNetwork, type Wallet } from './testNetwork.ts'
import { makeHome, type TestHome, testConfig } from './testNode.ts'
import { startTestRelay, type TestRelay } from './testRelay.ts'

let network: TestNetwork
let proxy: RpcProxy
let relay: TestRelay
let home: TestHome
let node: RunningNode
let buyer: Wallet

beforeAll(async () => {
  network = await startTestNetwork()
  proxy = await startRpcProxy(network.rpc)
  buyer = await network.buyer()
})
afterAll(async () => {
  await proxy?.close()
  await network?.close()
})
beforeEach(async () => {
  relay = await startTestRelay({ chainId: network.deployment.chainId })
  const config = testConfig(network, [relay.url])
  home = await makeHome(network, {
    ...config,
    network: { ...config.network, rpc: proxy.url, rpcTimeout: 0.5 },
    offer: { ...config.offer, ttl: 10 },
  })
  node = await home.start()
})
afterEach(async () => {
  await node.close()
  await relay.close()
  await home.remove()
})

const idOf = (offer: PublishedOffer) => hashOffer(offer.offer, offer)
/** Offers that are out, oldest first. */
const offersOut = () =>
  [...relay.offers.values()].map((json) => parse(publishedOfferSchema, json, 'offer') as PublishedOffer)
const anOffer = () => eventually(() => offersOut().at(-1))

async function begin(script: string, duration = 60): Promise<{ offer: PublishedOffer; lease: Hex }> {
  const offer = await anOffer()
  const lease = await hire(network, buyer, { offer, duration })
  const talk = await dial(network, { gateway: relay.url, offer, lease, buyer })
  await talk.request('job.start', { job: jobOf(script), bundle: null })
  await jobIn(talk, 'running', 'done', 'expired', 'failed')
  talk.close()
  return { offer, lease }
}
const stop = async (lease: Hex) =>
  confirm(
    network.client,
    await stopLease(buyer, { deployment: network.deployment, lease, overrides: { gas: 300_000n } }),
  )
const stateOf = async (lease: Hex) =>
  (await getLease(network.client, { deployment: network.deployment, lease }))?.state
const settled = (lease: Hex) => eventually(async () => (await stateOf(lease)) === 'settled')

async function balanced(): Promise<void> {
  for (const { deposit, earned, refunded } of await accountForAll(network))
    expect(earned + refunded).toBe(deposit)
}

describe('the gateway', () => {
  test('behavior: it dies mid-job and comes back: the job goes on, the log is whole', async () => {
    const { offer, lease } = await begin(
      'for i in 1 2 3 4 5 6; do echo line $i; sleep 0.2; done; mkdir out; echo x > out/x',
    )
    const { port } = relay
    await relay.close()
    await new Promise((resolve) => setTimeout(resolve, 500))
    relay = await startTestRelay({ chainId: network.deployment.chainId, port })
    await eventually(() => relay.welcomes > 0)
    const talk = await dial(network, { gateway: relay.url, offer, lease, buyer })
    expect(await readLog(talk)).toBe('line 1\nline 2\nline 3\nline 4\nline 5\nline 6\n')
    expect((await jobIn(talk, 'done')).exitCode).toBe(0)
    await stop(lease)
    await settled(lease)
    // Its memory was lost with it: the next free slot is offered anew.
    expect(idOf(await anOffer())).not.toBe(lease)
    talk.close()
    await balanced()
  })

  test('behavior: it is gone for good: the job still ends with the lease and the money is settled', async () => {
    const { lease } = await begin('sleep 60', 5)
    await relay.close()
    await settled(lease)
    const known = (await node.status()).leases.find((item) => item.lease === lease)
    expect(known).toMatchObject({ state: 'expired', over: 'expired' })
    await balanced()
  })
})

describe('the chain', () => {
  test('behavior: the RPC stalls mid-job: the job ends with the lease all the same, and is settled afterwards', async () => {
    const { lease } = await begin('sleep 60', 5)
    proxy.stall()
    await eventually(async () => {
      const known = (await node.status()).leases.find((item) => item.lease === lease)
      return known?.state === 'expired'
    })
    expect(await stateOf(lease)).toBe('running')
    proxy.resume()
    await settled(lease)
    await balanced()
  })

  test('behavior: a reorganisation drops the opening: nothing is started until it is mined again', async () => {
    const offer = await anOffer()
    const snapshot = await network.client.snapshot()
    const lease = await hire(network, buyer, { offer, duration: 60 })
    await eventually(async () => (await node.status()).leases.some((item) => item.lease === lease))
    await network.client.revert({ id: snapshot })
    await network.client.mine({ blocks: 2 })
    const talk = await dial(network, { gateway: relay.url, offer, lease, buyer })
    await talk.request('job.start', { job: jobOf('echo once'), bundle: null })
    expect((await talk.request('job.status', {})).result.state).toBe('accepted')
    await confirm(
      network.client,
      await openLease(buyer, {
        deployment: network.deployment,
        offer: offer.offer,
        signature: offer.signature,
        duration: 60,
        overrides: { gas: 500_000n },
      }),
    )
    expect(await readLog(talk)).toBe('once\n')
    await stop(lease)
    await settled(lease)
    talk.close()
    await balanced()
  })

  test('behavior: a reorganisation drops the start: it is sent again, the job goes on and runs once', async () => {
    const offer = await anOffer()
    const lease = await hire(network, buyer, { offer, duration: 60 })
    await eventually(async () => (await node.status()).leases.some((item) => item.lease === lease))
    const snapshot = await network.client.snapshot()
    const talk = await dial(network, { gateway: relay.url, offer, lease, buyer })
    const log = readLog(talk)
    await talk.request('job.start', { job: jobOf('echo once; sleep 2; echo end'), bundle: null })
    await jobIn(talk, 'running')
    await network.client.revert({ id: snapshot })
    await network.client.mine({ blocks: 1 })
    expect(await log).toBe('once\nend\n')
    await eventually(async () => (await stateOf(lease)) === 'running')
    await stop(lease)
    await settled(lease)
    talk.close()
    await balanced()
  })
})

describe('offers', () => {
  test('behavior: two offers of one slot are opened: the second lease is refused and gets everything back', async () => {
    // A fresh offer comes out at half of the life of the first.
    const [first, second] = await eventually(() => (offersOut().length >= 2 ? offersOut() : null), 15)
    if (first === undefined || second === undefined) throw new RangeError('no offers')
    const one = await hire(network, buyer, { offer: first, duration: 60 })
    const two = await hire(network, buyer, { offer: second, duration: 60 })
    const talk = await dial(network, { gateway: relay.url, offer: first, lease: one, buyer })
    expect((await talk.request('job.status', {})).result.state).toBe('none')
    const refused = await dial(network, { gateway: relay.url, offer: second, lease: two, buyer })
    expect((await refused.closed).message).toContain('SLOT_TAKEN')
    await stop(two)
    await settled(two)
    const money = (await accountForAll(network).catch(() => null)) ?? []
    expect(money).toEqual([])
    await stop(one)
    await settled(one)
    const back = (await accountForAll(network)).filter((lease) => lease.lease === two)
    expect(back).toMatchObject([{ earned: 0n }])
    talk.close()
    await balanced()
  })
})

describe('drain', () => {
  test('behavior: nothing new is offered, the lease is served to its end, then the node ends', async () => {
    const { offer, lease } = await begin('sleep 1; echo served')
    const control = controlClient(home.home)
    expect((await control.drain()).draining).toBe(true)
    await eventually(async () => (await node.status()).offers === 0)
    const talk = await dial(network, { gateway: relay.url, offer, lease, buyer })
    expect(await readLog(talk)).toBe('served\n')
    await stop(lease)
    await node.done
    expect(await stateOf(lease)).toBe('settled')
    await expect(control.status()).rejects.toMatchObject({ code: 'NODE_NOT_RUNNING' })
    // The next start is a fresh one.
    node = await home.start()
    expect((await node.status()).draining).toBe(false)
    await balanced()
  })

  test('behavior: it survives a restart, and can be taken back', async () => {
    const { lease } = await begin('sleep 20')
    await node.drain()
    await node.close()
    node = await home.start()
    expect(await node.status()).toMatchObject({ draining: true, refusal: 'the node is draining' })
    await controlClient(home.home).resume()
    expect((await node.status()).draining).toBe(false)
    await stop(lease)
    await settled(lease)
    await eventually(async () => (await node.status()).offers > 0)
  })

  test('error: NodeRunningError, a second node in the same home', async () => {
    await expect(home.start()).rejects.toThrow(NodeRunningError)
    expect((await node.status()).asset).toBe(String(node.asset))
  })
})
