import { readdir } from 'node:fs/promises'
import { confirm, type Session, stopLease } from '@millrace/sdk'
import type { Hex } from 'viem'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { nodePaths, type RunningNode } from '../src/index.ts'
import { bundleOf, dial, eventually, hire, jobIn, jobOf, readLog, upload } from './buyer.ts'
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
  // Room for the outputs of one of the jobs below, not of two.
  home = await makeHome(network, { ...testConfig(network, [gateway.url]), storage: { keepMib: 1 } })
  node = await home.start()
  buyer = await network.buyer()
})
afterAll(async () => {
  await node?.close()
  await gateway?.close()
  await home?.remove()
  await network?.close()
})

const isSettled = async (lease: Hex) =>
  (await node.status()).leases.find((item) => item.lease === lease)?.settled === true

/** Runs a job that leaves 700 kB behind, to the end of its lease; the session stays open. */
async function runOne(): Promise<{ lease: Hex; talk: Session }> {
  const offer = await freshOffer(gateway, node.asset, used)
  const lease = await hire(network, buyer, { offer, duration: 60 })
  used.push(lease)
  const talk = await dial(network, { gateway: gateway.url, offer, lease, buyer })
  const bundle = await bundleOf({ 'in.bin': Buffer.alloc(400_000, 3) })
  await upload(talk, bundle)
  const job = jobOf('mkdir out; head -c 700000 /dev/zero > out/a; echo written')
  await talk.request('job.start', { job, bundle: bundle.ref })
  await jobIn(talk, 'done')
  // A client that was cut off may send its bundle again; nothing of it is taken or missing.
  await upload(talk, bundle)
  await confirm(network.client, await stopLease(buyer, { deployment: network.deployment, lease }))
  await eventually(() => isSettled(lease))
  return { lease, talk }
}

test('behavior: a bundle goes with its job, and the oldest outputs go when a node keeps more than its budget', async () => {
  const paths = nodePaths(home.home)
  const first = await runOne()
  await eventually(async () => !(await readdir(paths.leases)).includes(first.lease))
  expect((await readdir(paths.runner)).includes(first.lease)).toBe(true)

  const second = await runOne()
  await eventually(async () => !(await readdir(paths.runner)).includes(first.lease))
  await expect(first.talk.request('outputs.read', { offset: 0, length: 10 })).rejects.toMatchObject({
    reason: 'FILES_GONE',
  })
  await expect(first.talk.request('logs.read', { from: 0, follow: false })).rejects.toMatchObject({
    reason: 'FILES_GONE',
  })
  // What was noted stays: the state, and the receipt.
  expect((await first.talk.request('job.status', {})).result.state).toBe('done')
  expect((await first.talk.request('receipt.get', {})).result.receipt.lease).toBe(first.lease)

  const { body } = await second.talk.request('outputs.read', { offset: 0, length: 10 })
  expect(body.length).toBe(10)
  first.talk.close()
  second.talk.close()
  await eventually(async () => (await readdir(paths.leases)).length === 0)
})

test('behavior: after a restart the log and the outputs of a lease that is over are still read', async () => {
  const { lease, talk } = await runOne()
  talk.close()
  await node.close()
  node = await home.start()
  const offer = await freshOffer(gateway, node.asset, used)
  const again = await dial(network, { gateway: gateway.url, offer, lease, buyer })
  expect(await readLog(again)).toBe('written\n')
  expect((await again.request('outputs.read', { offset: 0, length: 10 })).body.length).toBe(10)
  again.close()
})
