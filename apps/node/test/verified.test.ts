import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type GatewayOptions, startGateway } from '@millrace/gateway'
import {
  acceptSession,
  confirm,
  gatewayClient,
  generateSessionKey,
  hashOffer,
  hashSpec,
  type PublishedOffer,
  registerAsset,
  registeredAsset,
  type SessionHandler,
  type Spec,
  signOffer,
} from '@millrace/sdk'
import { type Address, zeroAddress, zeroHash } from 'viem'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createChallengeHandlers } from '../src/challenge/index.ts'
import { connectRelay } from '../src/relay/relayClient.ts'
import { createLog } from '../src/start/log.ts'
import { eventually } from './buyer.ts'
import { chainId, startTestNetwork, type TestNetwork } from './testNetwork.ts'
import { makeHome, testConfig } from './testNode.ts'

type DatabaseOptions = GatewayOptions['database']

/** What a gateway says of machines after it challenged them itself, through its own relay. */
let network: TestNetwork
let folder: string
const cleanups: (() => unknown)[] = []

beforeAll(async () => {
  network = await startTestNetwork()
  folder = await mkdtemp(join(tmpdir(), 'gateway-'))
})
afterAll(async () => {
  for (const cleanup of cleanups.reverse()) await cleanup()
  await network?.close()
  await rm(folder, { recursive: true, force: true, maxRetries: 40, retryDelay: 50 })
})

async function gatewayAt(port: number, database: DatabaseOptions = { dataDir: join(folder, 'database') }) {
  const gateway = await startGateway({
    deployment: network.deployment,
    rpcUrl: network.rpc,
    database,
    port,
    chainPollMs: 50,
    challenges: { pollMs: 50, settleMs: 0 },
  })
  cleanups.push(() => gateway.close())
  return { ...gateway, port: Number(new URL(gateway.url).port), client: gatewayClient(gateway.url) }
}
type RunningGateway = Awaited<ReturnType<typeof gatewayAt>>

const listingsOf = async ({ client }: RunningGateway, query: string) =>
  (await client.searchOffers({ query })).offers
const challenged = (gateway: RunningGateway, asset: bigint) =>
  eventually(async () =>
    (await listingsOf(gateway, `asset=${asset}`)).find(({ challenge }) => challenge !== null),
  )

/** A machine that is nothing but its answers to challenges, with an asset and an offer of its own. */
async function pretend(
  gateway: RunningGateway,
  options: {
    readonly begin: (honest: SessionHandler) => SessionHandler
    readonly measured?: Spec['measured']
    readonly deviceOnChain?: Address
  },
) {
  const { deployment, client } = network
  const { wallet, key } = await network.account()
  const device = privateKeyToAccount(generatePrivateKey())
  const sessionKey = await generateSessionKey()
  const currency = deployment.currencies[0]?.address ?? zeroAddress
  const account = privateKeyToAccount(key)
  const registration = await registerAsset(wallet, {
    ...{ deployment, owner: account.address, operator: account.address, kind: 'machine', currency },
    ...{ device: options.deviceOnChain ?? device.address, spec: zeroHash, uri: '' },
  })
  const asset = registeredAsset(await confirm(client, registration)) ?? 0n
  const honest = createChallengeHandlers({ cpus: 1, cpuModel: 'AMD EPYC', memoryBytes: 2 ** 30 })
  const handlers = {
    'challenge.begin': options.begin(honest['challenge.begin']),
    'challenge.reveal': honest['challenge.reveal'],
  }
  const relay = connectRelay({
    ...{ gateway: gateway.url, chainId, device, log: createLog('silent'), onReady: () => {} },
    onSession: (transport) =>
      void acceptSession({
        ...{ transport, privateKey: sessionKey.privateKey, chainId, market: deployment.market, handlers },
        now: () => Math.floor(Date.now() / 1000),
        verify: () => undefined,
      }).catch(() => undefined),
  })
  cleanups.push(() => honest.close(), relay.close)
  const spec: Spec = {
    ...{ version: 1, runner: 'sandbox', network: 'none', os: 'linux', arch: 'x64', gpus: [] },
    ...{ cpus: 1, cpuModel: 'AMD EPYC', memoryMiB: 1024, diskMiB: 1024 },
    ...{ device: device.address, sessionKey: sessionKey.publicKey },
    ...(options.measured === undefined ? {} : { measured: options.measured }),
  }
  const offer = {
    ...{ asset, buyer: zeroAddress, pricePerHour: 1n, bond: 0n, minDuration: 1, maxDuration: 60 },
    ...{ startWindow: 60, expiry: Math.floor(Date.now() / 1000) + 3600, terms: zeroHash, nonce: 1n },
    spec: hashSpec(spec),
  }
  const signature = await signOffer(account, offer, { chainId, market: deployment.market })
  const published: PublishedOffer = {
    ...{ chainId, market: deployment.market, currency, operator: account.address },
    ...{ offer, signature, spec, gateways: [] },
  }
  expect(await gateway.client.publishOffers([published])).toMatchObject({ rejected: [] })
  return { asset, id: hashOffer(offer, published), spec }
}

describe('verified', () => {
  test('default: a real machine is found by it, and a new start of the gateway remembers', async () => {
    const first = await gatewayAt(0)
    const home = await makeHome(network, testConfig(network, [first.url]))
    const node = await home.start()
    cleanups.push(
      () => home.remove(),
      () => node.close(),
    )
    const listing = await challenged(first, node.asset)
    expect(listing).toMatchObject({
      verified: true,
      challenge: { verdict: 'unclaimed', code: null, claimed: null, measured: null },
    })
    expect(await listingsOf(first, `asset=${node.asset} verified=true`)).toHaveLength(1)
    await first.close()
    const again = await gatewayAt(first.port)
    const known = await eventually(async () =>
      (await listingsOf(again, `asset=${node.asset} verified=true`)).at(0),
    )
    expect(known.challenge?.at).toBe(listing.challenge?.at)
  })

  test('error: a product that was not computed, a rate that is not there, a spec that names a foreign machine', async () => {
    const gateway = await gatewayAt(0, { memory: true })
    const wrong = await pretend(gateway, {
      begin: (honest) => async (request) => {
        const { result } = await honest(request)
        const { units, ...rest } = result as { units: readonly Record<string, unknown>[] }
        return { result: { ...rest, units: units.map((unit) => ({ ...unit, root: zeroHash })) } }
      },
    })
    const slow = await pretend(gateway, {
      measured: { cpuGflops: 40, gpuTflops: 0, at: 1 },
      // Whatever this computer can: 20.6 billion operations in a second and a half are 13.7 GFLOPS.
      begin: (honest) => async (request) => {
        const answer = await honest(request)
        const { n } = request.params as { n: number }
        await new Promise((resolve) => setTimeout(resolve, n > 512 ? 1_500 : 100))
        return answer
      },
    })
    const foreign = await pretend(gateway, { begin: (honest) => honest, deviceOnChain: zeroAddress })
    expect(await challenged(gateway, wrong.asset)).toMatchObject({
      verified: false,
      challenge: { verdict: 'unproven', code: 'ROW_NOT_COMMITTED', measured: null },
    })
    const listing = await challenged(gateway, slow.asset)
    expect(listing).toMatchObject({
      verified: false,
      challenge: { verdict: 'below', code: 'CLAIM_BELOW', claimed: 40 },
    })
    expect(listing.challenge?.measured).toBeLessThan(30)
    expect(await gateway.client.getOffer(foreign.id)).toMatchObject({ verified: false, challenge: null })
    expect(await listingsOf(gateway, 'verified=true')).toEqual([])
  })
})
