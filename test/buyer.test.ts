import type { ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { getLease } from '@millrace/sdk'
import type { Hash } from 'viem'
import type { PrivateKeyAccount } from 'viem/accounts'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { connect } from '../apps/cli/src/connection/connect.ts'
import type { JobEvent } from '../apps/cli/src/jobs/events.ts'
import { type RunJobOptions, type RunJobResult, runJob } from '../apps/cli/src/jobs/runJob.ts'
import { noNeeds } from '../apps/cli/src/tasks/task.ts'
import { eventually } from '../apps/node/test/buyer.ts'
import { accountForAll } from '../apps/node/test/money.ts'
import { startTestNetwork, type TestNetwork, type Wallet } from '../apps/node/test/testNetwork.ts'
import {
  freshOffer,
  makeGateway,
  makeHome,
  type TestGateway,
  type TestHome,
  testConfig,
} from '../apps/node/test/testNode.ts'

/** Two machines of two operators at one gateway, and a buyer's client in this process. */
let network: TestNetwork
let gateway: TestGateway
let small: TestHome
let large: TestHome
let buyer: Wallet
const running = new Set<ChildProcess>()
const home = mkdtempSync(join(tmpdir(), 'millrace-buyer-'))

beforeAll(async () => {
  network = await startTestNetwork()
  gateway = await makeGateway(network)
  const config = testConfig(network, [gateway.url])
  const machine = { ...config.machine, cpus: 0.5 }
  small = await makeHome(network, { ...config, machine })
  // The shortest that an offer can have, so that a broken promise shows soon.
  large = await makeHome(network, { ...config, offer: { ...config.offer, startWindow: 5 } })
  buyer = await network.buyer()
  const { assets, till, market, currencies } = network.deployment
  const contracts = { assets, till, market, currency: currencies[0]?.address }
  const place = { chainId: 31337, rpc: network.rpc, gateways: [gateway.url], contracts }
  // YAML reads JSON.
  writeFileSync(join(home, 'config.yaml'), JSON.stringify({ network: 'test', networks: { test: place } }))
})
afterAll(async () => {
  for (const child of running) await kill(child)
  await gateway?.close()
  await small?.remove()
  await large?.remove()
  await network?.close()
  rmSync(home, { recursive: true, force: true, maxRetries: 40, retryDelay: 50 })
})

async function start(node: TestHome): Promise<ChildProcess> {
  const child = await node.spawn()
  running.add(child)
  return child
}
async function kill(child: ChildProcess): Promise<void> {
  running.delete(child)
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGKILL')
  await gone
}

/** Runs a job as `millrace run` does. */
async function run(script: string, more: Partial<RunJobOptions> = {}): Promise<RunJobResult> {
  const connection = await connect({}, home)
  const account = buyer.account as PrivateKeyAccount
  const needs = { ...noNeeds, cpus: 0.25, memoryMiB: 64, diskMiB: 64 }
  const task = { name: 'test', workdir: null, setup: null, run: script, envs: {}, outputs: [], needs }
  return runJob({
    connection,
    buyer: { wallet: 'test', account, client: connection.signAs(account) },
    task,
    duration: 600,
    order: 'cpu_cores-',
    outputDir: join(home, 'out'),
    approve: async () => undefined,
    ...more,
  })
}

const identity = ({ deposit, paid, refunded }: RunJobResult) => expect(paid + refunded).toBe(deposit)

test('behavior: when the first machine does not answer, its lease is given back and the next one runs the job', async () => {
  const first = await start(large)
  await start(small)
  const assets = await eventually(async () => {
    const { offers } = await gateway.client.searchOffers({ query: 'cpu_cores>0' })
    const found = new Set(offers.map(({ published }) => published.offer.asset))
    return found.size === 2 ? [...found] : null
  })
  expect(assets).toHaveLength(2)
  // Its offer is listed and good; only nobody is there.
  await kill(first)
  const opened: Hash[] = []
  const given: Hash[] = []
  const result = await run('echo ran', {
    onEvent(event: JobEvent) {
      if (event.event === 'opened') opened.push(event.lease)
      if (event.event === 'given-back') given.push(event.lease)
    },
  })
  expect(result).toMatchObject({ state: 'done', exitCode: 0, problem: null })
  identity(result)
  expect(opened).toHaveLength(2)
  expect(given).toEqual(opened.slice(0, 1))
  expect(opened[1]).toBe(result.lease)
  const leases = await accountForAll(network)
  for (const { deposit, earned, refunded } of leases) expect(earned + refunded).toBe(deposit)
  // Who did nothing earned nothing.
  expect(leases.find(({ lease }) => lease === given[0])?.earned).toBe(0n)
}, 180_000)

test('behavior: a lease that a reorganisation dropped is opened anew, and the job goes on', async () => {
  const { deployment, client } = network
  const { offers } = await gateway.client.searchOffers({ query: 'cpu_cores<1' })
  await freshOffer(gateway, offers[0]?.published.offer.asset ?? 0n)
  /** Takes back every block from the one that opened the lease. */
  const drop = async (lease: Hash, transaction: Hash): Promise<void> => {
    const { blockNumber } = await client.getTransactionReceipt({ hash: transaction })
    // The node may add blocks meanwhile.
    while ((await getLease(client, { deployment, lease })) !== null) {
      const depth = Number((await client.getBlockNumber()) - blockNumber) + 1
      await client.request({ method: 'anvil_rollback', params: [depth] } as never)
    }
  }
  const stop = new AbortController()
  let opened = 0
  let dropped: Promise<void> | null = null
  const result = await run('echo begun; sleep 600', {
    where: 'cpu_cores<1',
    stop: stop.signal,
    onEvent(event: JobEvent) {
      if (event.event === 'opened') {
        opened++
        dropped ??= drop(event.lease, event.transaction)
      }
      if (event.event === 'state' && event.state === 'running' && opened === 2) stop.abort()
    },
  })
  await dropped
  expect(opened).toBe(2)
  expect(result).toMatchObject({ state: 'stopped', problem: null })
  identity(result)
  for (const { deposit, earned, refunded } of await accountForAll(network))
    expect(earned + refunded).toBe(deposit)
}, 180_000)
