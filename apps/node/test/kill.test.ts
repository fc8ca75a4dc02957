import type { ChildProcess } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { confirm, getLease, type PublishedOffer, stopLease } from '@millrace/sdk'
import type { Hex } from 'viem'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { controlClient, nodePaths } from '../src/index.ts'
import { bundleOf, dial, eventually, hire, jobOf, upload } from './buyer.ts'
import { accountForAll } from './money.ts'
import { startTestNetwork, type TestNetwork, type Wallet } from './testNetwork.ts'
import { freshOffer, makeGateway, makeHome, type TestGateway, type TestHome, testConfig } from './testNode.ts'

let network: TestNetwork
let gateway: TestGateway
let home: TestHome
let buyer: Wallet
let child: ChildProcess | null = null
const used: Hex[] = []

const kill = async (process: ChildProcess) => {
  const gone = new Promise((resolve) => process.once('exit', resolve))
  process.kill('SIGKILL')
  await gone
}

beforeAll(async () => {
  network = await startTestNetwork()
  gateway = await makeGateway(network)
  home = await makeHome(network, testConfig(network, [gateway.url]))
  buyer = await network.buyer()
})
afterAll(async () => {
  if (child !== null) await kill(child)
  await gateway?.close()
  await home?.remove()
  await network?.close()
})

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

const settledOnChain = (lease: Hex) =>
  eventually(
    async () =>
      (await getLease(network.client, { deployment: network.deployment, lease }))?.state === 'settled',
  )

/** A session with a node that may only just be coming back. */
const reach = (offer: PublishedOffer, lease: Hex) =>
  eventually(() => dial(network, { gateway: gateway.url, offer, lease, buyer }).catch(() => null))

/** Everything a buyer does, tried again by the step until the node is there. Ends when the job has ended. */
async function buy(offer: PublishedOffer, lease: Hex, marker: string): Promise<void> {
  const bundle = await bundleOf({ 'data.bin': Buffer.alloc(300_000, marker) })
  const job = jobOf(`mkdir -p out; echo run-${marker} >> out/runs; sleep 0.6; echo end`)
  const begun = Date.now()
  const seen: string[] = []
  const see = (what: string) => {
    if (!seen.at(-1)?.endsWith(what)) seen.push(`${((Date.now() - begun) / 1000).toFixed(1)} s ${what}`)
  }
  await eventually(async () => {
    try {
      const talk = await dial(network, { gateway: gateway.url, offer, lease, buyer })
      try {
        await upload(talk, bundle)
        await talk.request('job.start', { job, bundle: bundle.ref })
        for (;;) {
          const { result } = await talk.request('job.status', {}, undefined, { timeout: 10_000 })
          see(result.state)
          if (/done|failed|stopped|expired|lost/.test(result.state)) return true
          await new Promise((resolve) => setTimeout(resolve, 50))
        }
      } finally {
        talk.close()
      }
    } catch (error) {
      // The node is down, or went down under way.
      see(String(error))
      return false
    }
  }, 240).catch((error) => {
    throw new RangeError(`the job did not end; the buyer saw: ${seen.slice(-40).join('; ')}`, {
      cause: error,
    })
  })
}

describe('kill -9', () => {
  const seed = Number(process.env.MILLRACE_SEED ?? 7)
  const random = seeded(seed)

  test(`behavior: killed at random moments (seed ${seed}), each job runs once and each lease is settled`, async () => {
    child = await home.spawn()
    const first = await controlClient(home.home).status()
    const asset = BigInt(first.asset)
    for (let round = 0; round < 3; round++) {
      const offer = await freshOffer(gateway, asset, used)
      const lease = await hire(network, buyer, { offer, duration: 200 })
      used.push(lease)
      const bought = buy(offer, lease, String(round))
      // From before the upload to after the end of the job.
      for (let kills = 0; kills <= round % 2; kills++) {
        await new Promise((resolve) => setTimeout(resolve, random() * 1200))
        await kill(child)
        child = await home.spawn()
      }
      await bought
      const status = await eventually(async () =>
        (await controlClient(home.home).status()).leases.find((item) => item.lease === lease),
      )
      expect(status.state).toBe('done')
      await confirm(
        network.client,
        await stopLease(buyer, { deployment: network.deployment, lease, overrides: { gas: 300_000n } }),
      ).catch(() => undefined)
      await kill(child)
      child = await home.spawn()
      await settledOnChain(lease)

      const talk = await reach(offer, lease)
      const { result: outputs } = await eventually(() => talk.request('outputs.list', {}).catch(() => null))
      const { body } = await talk.request('outputs.read', { offset: 0, length: outputs.archive.size })
      expect(
        Buffer.from(body)
          .toString('latin1')
          .match(/run-\d/g),
      ).toEqual([`run-${round}`])
      const { result } = await eventually(() => talk.request('receipt.get', {}).catch(() => null))
      expect(result.receipt).toMatchObject({ lease, exitCode: 0, outputs: outputs.archive.hash })
      talk.close()
    }
    // One machine stayed one asset.
    expect((await controlClient(home.home).status()).asset).toBe(first.asset)
    const leases = await accountForAll(network)
    expect(leases).toHaveLength(3)
    for (const { deposit, earned, refunded } of leases) expect(earned + refunded).toBe(deposit)
  }, 400_000)

  test('behavior: killed while the job ends, the end is found by the next start', async () => {
    const asset = BigInt((await controlClient(home.home).status()).asset)
    const offer = await freshOffer(gateway, asset, used)
    const lease = await hire(network, buyer, { offer, duration: 4 })
    used.push(lease)
    const talk = await reach(offer, lease)
    await talk.request('job.start', { job: jobOf('echo begun; sleep 30'), bundle: null })
    await eventually(async () => (await talk.request('job.status', {})).result.state === 'running')
    if (child !== null) await kill(child)
    // The lease runs out while the node is down: the supervisor alone ends the job.
    const result = `${nodePaths(home.home).runner}/${lease}/result.json`
    await eventually(() => readFile(result, 'utf8').catch(() => null))
    child = await home.spawn()
    await settledOnChain(lease)
    const status = await eventually(async () => {
      const found = (await controlClient(home.home).status()).leases.find((item) => item.lease === lease)
      return found?.settled ? found : null
    })
    expect(status).toMatchObject({ state: 'expired', over: 'expired' })
  }, 240_000)
})
