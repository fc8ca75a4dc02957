import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createPublicClient, http, zeroAddress, zeroHash } from 'viem'
import { foundry } from 'viem/chains'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  approveModule,
  confirm,
  deployLocal,
  depositWithPermit,
  hashOffer,
  type Lease,
  type LeaseEvent,
  type Offer,
  openLease,
  registerAsset,
  registeredAsset,
  settleLease,
  signOffer,
  startLease,
  stopLease,
  type WriteClient,
  watchLease,
  watchLeases,
} from '../src/index.ts'
import { accountAt, startAnvil, startLocalChain } from './localChain.ts'

let chain: Awaited<ReturnType<typeof startLocalChain>>
let asset: bigint
const wallet = (index: number): WriteClient => chain.walletOf(index)

beforeAll(async () => {
  chain = await startLocalChain()
  const { deployment, currency } = chain
  const receipt = await confirm(
    wallet(1),
    await registerAsset(wallet(1), {
      deployment,
      owner: accountAt(1).address,
      operator: accountAt(1).address,
      kind: 'machine',
      device: accountAt(2).address,
      currency: currency.address,
      spec: zeroHash,
      uri: '',
    }),
  )
  asset = registeredAsset(receipt) ?? 0n
  const deadline = (await chain.client.getBlock()).timestamp + 3600n
  await depositWithPermit(wallet(3), {
    deployment,
    signer: accountAt(3),
    currency,
    amount: 50_000_000n,
    deadline,
  })
  await confirm(
    wallet(3),
    await approveModule(wallet(3), { deployment, module: deployment.market, approved: true }),
  )
})
afterAll(() => chain?.stop())

let nonce = 0n
async function open() {
  const { deployment } = chain
  const offer: Offer = {
    asset,
    buyer: zeroAddress,
    pricePerHour: 360_000n,
    bond: 0n,
    minDuration: 60,
    maxDuration: 86_400,
    startWindow: 600,
    expiry: Number((await chain.client.getBlock()).timestamp) + 3600,
    spec: zeroHash,
    terms: zeroHash,
    nonce: nonce++,
  }
  const signature = await signOffer(accountAt(1), offer, deployment)
  await confirm(wallet(3), await openLease(wallet(3), { deployment, offer, signature, duration: 600 }))
  return hashOffer(offer, deployment)
}

/** An RPC in front of the chain that fails, stalls or works, as told. */
async function moodyRpc() {
  const mood = { now: 'works' as 'works' | 'fails' | 'stalls' }
  const server = createServer(async (request, response) => {
    if (mood.now === 'stalls') return
    if (mood.now === 'fails') {
      response.writeHead(502).end()
      return
    }
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const answer = await fetch(chain.url, {
      method: 'POST',
      body: Buffer.concat(chunks),
      headers: { 'content-type': 'application/json' },
    })
    response.writeHead(200, { 'content-type': 'application/json' }).end(await answer.text())
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const client = createPublicClient({
    chain: foundry,
    transport: http(url, { retryCount: 0 }),
    pollingInterval: 10,
  })
  const close = () => {
    server.closeAllConnections()
    server.close()
  }
  return { mood, client, close }
}

describe('watchLease', () => {
  test('default: tells each state, through an RPC that fails and stalls', async () => {
    const { deployment } = chain
    const rpc = await moodyRpc()
    const lease = await open()
    const states: (string | undefined)[] = []
    const errors: unknown[] = []
    const stop = watchLease(rpc.client, {
      deployment,
      lease,
      interval: 10,
      timeout: 100,
      onLease: (seen: Lease | null) => states.push(seen?.state),
      onError: (error) => errors.push(error),
    })
    await expect.poll(() => states).toEqual(['open'])
    rpc.mood.now = 'fails'
    await expect.poll(() => errors.length).toBeGreaterThan(0)
    await confirm(wallet(2), await startLease(wallet(2), { deployment, lease }))
    rpc.mood.now = 'stalls'
    const failures = errors.length
    await expect.poll(() => errors.length).toBeGreaterThan(failures)
    rpc.mood.now = 'works'
    await expect.poll(() => states).toEqual(['open', 'running'])
    await confirm(wallet(3), await stopLease(wallet(3), { deployment, lease }))
    await expect.poll(() => states).toEqual(['open', 'running', 'stopped'])
    stop()
    await confirm(wallet(3), await settleLease(wallet(3), { deployment, lease }))
    expect(states).toHaveLength(3)
    rpc.close()
  })
})

describe('watchLeases', () => {
  test('default: tells all events in order', async () => {
    const { deployment, client } = chain
    const seen: LeaseEvent[] = []
    const stop = watchLeases(client, {
      deployment,
      fromBlock: (await client.getBlockNumber()) + 1n,
      interval: 10,
      onEvents: (events) => {
        seen.push(...events)
      },
    })
    const lease = await open()
    await confirm(wallet(2), await startLease(wallet(2), { deployment, lease }))
    await confirm(wallet(3), await stopLease(wallet(3), { deployment, lease }))
    await confirm(wallet(3), await settleLease(wallet(3), { deployment, lease }))
    await expect.poll(() => seen.map(({ type }) => type)).toEqual(['opened', 'started', 'stopped', 'settled'])
    expect(seen.every((event) => event.lease === lease)).toBe(true)
    expect(seen[0]).toMatchObject({ asset, buyer: accountAt(3).address, duration: 600 })
    stop()
  })

  test('behavior: what a reorganisation undid and brought back is told again', async () => {
    const { deployment, client } = chain
    const seen: string[] = []
    const stop = watchLeases(client, {
      deployment,
      fromBlock: (await client.getBlockNumber()) + 1n,
      interval: 10,
      onEvents: (events) => {
        seen.push(...events.map(({ type, lease }) => `${type} ${lease}`))
      },
    })
    const snapshot = await client.snapshot()
    const first = await open()
    await expect.poll(() => seen).toContain(`opened ${first}`)
    await client.revert({ id: snapshot })
    await client.mine({ blocks: 3 })
    const second = await open()
    await expect.poll(() => seen).toContain(`opened ${second}`)
    stop()
  })

  test('behavior: a listener that throws gets the same events again', async () => {
    const { deployment, client } = chain
    let calls = 0
    const seen: string[] = []
    const stop = watchLeases(client, {
      deployment,
      fromBlock: (await client.getBlockNumber()) + 1n,
      interval: 10,
      onEvents: (events) => {
        if (events.length > 0 && ++calls === 1) throw new RangeError('not now')
        seen.push(...events.map(({ type }) => type))
      },
    })
    await open()
    await expect.poll(() => seen).toEqual(['opened'])
    expect(calls).toBe(2)
    stop()
  })
})

describe('deployLocal', () => {
  test('behavior: a second call changes nothing; the addresses are the computed ones', async () => {
    const { deployment, client } = chain
    const before = await client.getBlockNumber()
    expect(await deployLocal(chain.walletOf(0))).toEqual(deployment)
    expect(await client.getBlockNumber()).toBe(before)
  })

  test('behavior: works on a chain without the proxy, and twice at the same time', async () => {
    const bare = await startAnvil(['--disable-default-create2-deployer'])
    const admin = accountAt(0).address
    const [first, second] = await Promise.all([
      deployLocal(bare.walletOf(0), { admin }),
      deployLocal(bare.walletOf(1), { admin }),
    ])
    expect(first).toEqual(second)
    expect(first).toEqual(chain.deployment)
    await bare.stop()
  })
})
