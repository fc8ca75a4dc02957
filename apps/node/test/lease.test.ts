import {
  confirm,
  extendLease,
  GatewayError,
  getLease,
  hashOffer,
  hashReceipt,
  openLease,
  type PublishedOffer,
  signReceipt,
  stopLease,
  verifyReceipt,
} from '@millrace/sdk'
import type { Hex } from 'viem'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { RunningNode } from '../src/index.ts'
import { bundleOf, dial, eventually, hire, jobIn, jobOf, readLog, upload } from './buyer.ts'
import { accountForAll } from './money.ts'
import { startTestNetwork, type TestNetwork, type Wallet } from './testNetwork.ts'
import { freshOffer, makeGateway, makeHome, type TestGateway, type TestHome, testConfig } from './testNode.ts'

let network: TestNetwork
let gateway: TestGateway
let home: TestHome
let node: RunningNode
let buyer: Wallet
const used: Hex[] = []

beforeAll(async () => {
  network = await startTestNetwork()
  gateway = await makeGateway(network)
  home = await makeHome(network, testConfig(network, [gateway.url]))
  node = await home.start()
  buyer = await network.buyer()
})
afterAll(async () => {
  await node?.close()
  await gateway?.close()
  await home?.remove()
  await network?.close()
})

async function rent(duration = 60): Promise<{ offer: PublishedOffer; lease: Hex }> {
  const offer = await freshOffer(gateway, node.asset, used)
  const lease = await hire(network, buyer, { offer, duration })
  used.push(lease)
  return { offer, lease }
}

const session = (offer: PublishedOffer, lease: Hex | null, who: Wallet = buyer) =>
  dial(network, { gateway: gateway.url, offer, lease, buyer: who })

/** Stops the lease and waits until the node has settled it. */
async function finish(lease: Hex): Promise<void> {
  await confirm(network.client, await stopLease(buyer, { deployment: network.deployment, lease })).catch(
    () => undefined,
  )
  await settled(lease)
}
const settled = (lease: Hex) =>
  eventually(async () => {
    const known = (await node.status()).leases.find((item) => item.lease === lease)
    return known === undefined || known.settled
  })

/** The error with which the device refused a session. */
const refusal = async (offer: PublishedOffer, lease: Hex, who: Wallet = buyer) =>
  (await session(offer, lease, who)).closed

afterEach(async () => {
  // Whatever a test left behind must not keep the one slot from the next.
  for (const { lease, settled: over } of (await node.status()).leases) if (!over) await finish(lease)
})

describe('a lease', () => {
  test('default: bundle, log, outputs, receipt, money', async () => {
    const { offer, lease } = await rent()
    const { deployment } = network
    const talk = await session(offer, lease)
    const bundle = await bundleOf({ 'in.txt': 'some input\n', 'big.bin': Buffer.alloc(700_000, 7) })
    await upload(talk, bundle)
    const job = jobOf('cat in.txt; mkdir out; wc -c < big.bin > out/size.txt; echo done >&2')
    const log = readLog(talk)
    await talk.request('job.start', { job, bundle: bundle.ref })
    expect(await log).toBe('some input\ndone\n')
    const status = await jobIn(talk, 'done', 'failed')
    expect(status).toMatchObject({ state: 'done', exitCode: 0, reason: 'exit' })

    const { result: outputs } = await talk.request('outputs.list', {})
    expect(outputs.files.map((file) => file.path)).toEqual(['out/size.txt'])
    const { body } = await talk.request('outputs.read', { offset: 0, length: outputs.archive.size })
    expect(Buffer.from(body).toString('latin1')).toContain('700000\n')

    await confirm(network.client, await stopLease(buyer, { deployment, lease }))
    const signed = await eventually(() => talk.request('receipt.get', {}).catch(() => null))
    const { receipt, device } = signed.result
    const domain = { chainId: deployment.chainId, market: deployment.market }
    const acknowledgement = await signReceipt(buyer.account as never, receipt, domain)
    const both = await talk.request('receipt.acknowledge', { signature: acknowledgement })
    const verdict = await verifyReceipt(both.result.receipt, both.result, {
      ...domain,
      lease,
      device: offer.spec.device,
      buyer: buyer.account.address,
      outputs: outputs.archive.hash,
    })
    expect(verdict).toMatchObject({ valid: true, acknowledged: true, digest: hashReceipt(receipt, domain) })
    expect(device).toBe(both.result.device)
    const onChain = await getLease(network.client, { deployment, lease })
    expect(receipt).toMatchObject({
      startedAt: onChain?.startedAt,
      stoppedAt: onChain?.stoppedAt,
      exitCode: 0,
    })
    await settled(lease)
    talk.close()
  })

  test('behavior: the same job again answers its status, another job is refused', async () => {
    const { offer, lease } = await rent()
    const talk = await session(offer, lease)
    const job = jobOf('sleep 30')
    await talk.request('job.start', { job, bundle: null })
    expect((await talk.request('job.start', { job, bundle: null })).result.state).not.toBe('none')
    await expect(talk.request('job.start', { job: jobOf('echo other'), bundle: null })).rejects.toMatchObject(
      {
        reason: 'JOB_EXISTS',
      },
    )
    await jobIn(talk, 'running')
    expect((await talk.request('job.stop', {})).result.state).toMatch(/collecting|stopped/)
    await jobIn(talk, 'stopped')
    await finish(lease)
    talk.close()
  })

  test('behavior: without a lease only ping is answered', async () => {
    const offer = await freshOffer(gateway, node.asset, used)
    const talk = await session(offer, null)
    expect((await talk.request('ping', {})).result.chainId).toBe(network.deployment.chainId)
    await expect(talk.request('job.status', {})).rejects.toThrow('LEASE_REQUIRED')
    talk.close()
  })

  test('behavior: an extension moves the deadline, and the lease is stopped by the clock, not by the gateway', async () => {
    const { offer, lease } = await rent(12)
    const talk = await session(offer, lease)
    await talk.request('job.start', { job: jobOf('sleep 60'), bundle: null })
    const first = await jobIn(talk, 'running')
    await confirm(
      network.client,
      await extendLease(buyer, { deployment: network.deployment, lease, added: 3 }),
    )
    const moved = await eventually(async () => {
      const { result } = await talk.request('job.status', {})
      return result.endsAt !== first.endsAt ? result : null
    })
    expect(moved.endsAt).toBe((first.endsAt ?? 0) + 3)
    expect((await jobIn(talk, 'expired', 'failed', 'stopped')).state).toBe('expired')
    await settled(lease)
    const { result } = await eventually(() => talk.request('receipt.get', {}).catch(() => null))
    expect(result.receipt).toMatchObject({ seconds: 15, exitCode: -1 })
    talk.close()
  })

  test('behavior: a buyer who disappears gets the job run, and pays only until the grace is over', async () => {
    const { offer, lease } = await rent(3600)
    const talk = await session(offer, lease)
    await talk.request('job.start', { job: jobOf('mkdir out; echo kept > out/a'), bundle: null })
    talk.close()
    await settled(lease)
    const again = await session(offer, lease)
    expect((await again.request('job.status', {})).result.state).toBe('done')
    expect((await again.request('outputs.list', {})).result.files.map((file) => file.path)).toEqual(['out/a'])
    const { result } = await again.request('receipt.get', {})
    expect(result.receipt.seconds).toBeLessThan(60)
    again.close()
  })
})

describe('what is refused', () => {
  test('error: a session by somebody who is not the buyer', async () => {
    const { offer, lease } = await rent()
    const stranger = await network.buyer(1n)
    expect((await refusal(offer, lease, stranger)).message).toContain('BUYER_SIGNATURE')
    await finish(lease)
  })

  test('error: a lease that was never opened, and one of another node', async () => {
    const offer = await freshOffer(gateway, node.asset, used)
    const id = hashOffer(offer.offer, offer)
    expect((await refusal(offer, id)).message).toContain('LEASE_UNKNOWN')
    expect((await refusal(offer, `0x${'99'.repeat(32)}`)).message).toContain('LEASE_UNKNOWN')
  })

  test('error: a second lease on the same machine gets everything back', async () => {
    const { offer, lease } = await rent()
    // The operator signs another offer for the slot behind the node's back: as if a stale one were opened.
    await expect(
      openLease(buyer, {
        deployment: network.deployment,
        offer: { ...offer.offer, expiry: offer.offer.expiry + 1 },
        signature: offer.signature,
        duration: 60,
      }),
    ).rejects.toThrow()
    await finish(lease)
  })

  test('error: jobs that are larger than the lease, or that steer the loader', async () => {
    const { offer, lease } = await rent()
    const talk = await session(offer, lease)
    const base = jobOf('true')
    const start = (job: typeof base) => talk.request('job.start', { job, bundle: null })
    await expect(start({ ...base, resources: { ...base.resources, cpus: 64 } })).rejects.toThrow(
      'JOB_TOO_LARGE',
    )
    await expect(start({ ...base, resources: { ...base.resources, network: 'public' } })).rejects.toThrow(
      'The job asks for public network; the lease has none',
    )
    await expect(start({ ...base, envs: { LD_PRELOAD: '/tmp/x.so' } })).rejects.toThrow('ENVIRONMENT_REFUSED')
    await expect(start({ ...base, unknown: 1 } as never)).rejects.toThrow('REQUEST_INVALID')
    // Nothing of this cost anything: the lease was not started.
    expect((await getLease(network.client, { deployment: network.deployment, lease }))?.state).toBe('open')
    await finish(lease)
    talk.close()
  })

  test('error: more logs at a time than one session may read', async () => {
    const { offer, lease } = await rent()
    const talk = await session(offer, lease)
    await talk.request('job.start', { job: jobOf('echo here; sleep 60'), bundle: null })
    await jobIn(talk, 'running')
    let ends = 0
    talk.on('log.end', () => ends++)
    for (let stream = 0; stream < 4; stream++) await talk.request('logs.read', { from: 0, follow: true })
    await expect(talk.request('logs.read', { from: 0, follow: true })).rejects.toMatchObject({
      reason: 'LOG_STREAMS',
      retryable: true,
    })
    // Each that ends frees its place.
    await talk.request('job.stop', {})
    await eventually(() => ends === 4)
    await eventually(() => talk.request('logs.read', { from: 0, follow: false }).catch(() => null))
    await finish(lease)
    talk.close()
  })

  test('error: bundles that climb out, lie about their hash or come out of order; the lease is not started', async () => {
    const { offer, lease } = await rent()
    const talk = await session(offer, lease)
    const climbing = await bundleOf({ '../../evil': 'x' })
    await upload(talk, climbing)
    await expect(talk.request('job.start', { job: jobOf('true'), bundle: climbing.ref })).rejects.toThrow(
      'BUNDLE_PATH',
    )

    const good = await bundleOf({ a: 'x'.repeat(5000) })
    const lying = { bytes: good.bytes, ref: { ...good.ref, hash: `0x${'12'.repeat(32)}` as Hex } }
    await expect(upload(talk, lying)).rejects.toThrow('BUNDLE_HASH')
    await talk.request('bundle.status', good.ref)
    await expect(
      talk.request('bundle.write', { hash: good.ref.hash, offset: 10 }, new Uint8Array(5)),
    ).rejects.toThrow('BUNDLE_OFFSET')
    await expect(talk.request('job.start', { job: jobOf('true'), bundle: good.ref })).rejects.toThrow(
      'BUNDLE_MISSING',
    )
    await expect(
      talk
        .request('bundle.status', { hash: good.ref.hash, size: 2 ** 40 })
        .then(() => talk.request('bundle.write', { hash: good.ref.hash, offset: 0 }, new Uint8Array(5))),
    ).rejects.toThrow('BUNDLE_TOO_LARGE')
    expect((await getLease(network.client, { deployment: network.deployment, lease }))?.state).toBe('open')
    await finish(lease)
    talk.close()
  })

  test('error: offers that were altered are taken by neither gateway nor market', async () => {
    const offer = await freshOffer(gateway, node.asset, used)
    const altered = { ...offer, offer: { ...offer.offer, pricePerHour: 1n } }
    const answer = await gateway.client.publishOffers([altered]).catch((error: unknown) => error)
    if (answer instanceof GatewayError) throw answer
    expect(answer).toMatchObject({ accepted: [], rejected: [{ code: 'SIGNATURE_INVALID' }] })
    await expect(
      openLease(buyer, {
        deployment: network.deployment,
        offer: altered.offer,
        signature: altered.signature,
        duration: 60,
      }),
    ).rejects.toThrow()
  })

  test('error: a deposit that the buyer does not have', async () => {
    const poor = await network.buyer(1n)
    const offer = await freshOffer(gateway, node.asset, used)
    await expect(hire(network, poor, { offer, duration: 3600 })).rejects.toThrow()
  })
})

test('invariant: every unit of every deposit was earned or given back', async () => {
  const leases = await accountForAll(network)
  expect(leases.length).toBeGreaterThan(5)
  for (const { deposit, earned, refunded } of leases) expect(earned + refunded).toBe(deposit)
})
