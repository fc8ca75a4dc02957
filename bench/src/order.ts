// From the order (the transaction that opens the lease leaves) to the first line of the job's log at the buyer, beside
// the same job given straight to the sandbox. Real chain, gateway, node and sandbox on one machine.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, loadavg, release, tmpdir, totalmem } from 'node:os'
import { join } from 'node:path'
import { getLease, stopLease } from '@millrace/sdk'
import type { Hex } from 'viem'
import { createSandboxRunner } from '../../apps/node/src/runners/sandbox/sandboxRunner.ts'
import { bundleOf, dial, eventually, hire, jobOf, upload } from '../../apps/node/test/buyer.ts'
import { buildSupervisor } from '../../apps/node/test/escape/buildSupervisor.ts'
import { startTestNetwork } from '../../apps/node/test/testNetwork.ts'
import { freshOffer, makeGateway, makeHome, testConfig } from '../../apps/node/test/testNode.ts'

const ROUNDS = Number(process.env.ROUNDS ?? 15)
const BUNDLE_BYTES = 256 * 1024

const loadAtStart = loadavg()[0] ?? 0
const folder = mkdtempSync(join(tmpdir(), 'millrace-bench-order-'))
const supervisor = await buildSupervisor(folder)
const alone = createSandboxRunner({ directory: join(folder, 'alone'), supervisor })
const network = await startTestNetwork()
const gateway = await makeGateway(network)
const home = await makeHome(network, testConfig(network, [gateway.url]))
const node = await home.start({
  runner: createSandboxRunner({ directory: join(home.home, 'node', 'runner'), supervisor }),
})
const buyer = await network.buyer()
const bundle = await bundleOf({ data: Buffer.alloc(BUNDLE_BYTES, 5) })
const bundleFile = join(folder, 'bundle.tgz')
writeFileSync(bundleFile, bundle.bytes)
const job = jobOf('echo first')
const used: Hex[] = []

interface Order {
  readonly openedMs: number
  readonly acceptedMs: number
  readonly firstLogMs: number
}

async function order(): Promise<Order> {
  const offer = await freshOffer(gateway, node.asset, used)
  const began = performance.now()
  const lease = await hire(network, buyer, { offer, duration: 60 })
  const openedMs = performance.now() - began
  used.push(lease)
  const talk = await dial(network, { gateway: gateway.url, offer, lease, buyer })
  await upload(talk, bundle)
  const first = new Promise<number>((resolve) => {
    talk.on('log', () => resolve(performance.now() - began))
  })
  await talk.request('job.start', { job, bundle: bundle.ref })
  const acceptedMs = performance.now() - began
  await talk.request('logs.read', { from: 0, follow: true })
  const firstLogMs = await first
  await stopLease(buyer, { deployment: network.deployment, lease, overrides: { gas: 300_000n } })
  await eventually(
    async () =>
      (await getLease(network.client, { deployment: network.deployment, lease }))?.state === 'settled',
  )
  talk.close()
  return { openedMs, acceptedMs, firstLogMs }
}

let count = 0
async function sandboxAlone(): Promise<number> {
  const began = performance.now()
  const MIB = 1024 * 1024
  const running = await alone.start({
    id: `alone-${count++}`,
    bundle: bundleFile,
    run: job.run,
    envs: {},
    outputs: job.outputs,
    gpus: [],
    deadline: Date.now() / 1000 + 60,
    limits: {
      cpus: 1,
      memoryBytes: 256 * MIB,
      diskBytes: 128 * MIB,
      inodes: 4096,
      processes: 64,
      logBytes: 4 * MIB,
      outputBytes: 16 * MIB,
      network: 'none',
    },
  })
  for await (const _ of running.readLog({ from: 0, follow: true })) {
    const took = performance.now() - began
    await running.done
    await alone.remove(running.id)
    return took
  }
  return Number.NaN
}

await order()
await sandboxAlone()
const orders: Order[] = []
const sandbox: number[] = []
for (let round = 0; round < ROUNDS; round++) {
  if (round % 2 === 0) sandbox.push(await sandboxAlone())
  orders.push(await order())
  if (round % 2 === 1) sandbox.push(await sandboxAlone())
}
await node.close()
await gateway.close()
await alone.sweep(new Set())
await home.remove()
await network.close()
rmSync(folder, { recursive: true, force: true })

const quantile = (values: readonly number[], q: number) =>
  [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(q * values.length))] ?? Number.NaN
const summary = (values: readonly number[]) => ({
  medianMs: Number(quantile(values, 0.5).toFixed(1)),
  p10Ms: Number(quantile(values, 0.1).toFixed(1)),
  p90Ms: Number(quantile(values, 0.9).toFixed(1)),
})
const result = {
  machine: {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memoryGiB: Number((totalmem() / 2 ** 30).toFixed(1)),
    kernel: release(),
    node: process.version,
    loadAtStart: Number(loadAtStart.toFixed(1)),
    loadAtEnd: Number((loadavg()[0] ?? 0).toFixed(1)),
  },
  rounds: ROUNDS,
  bundleBytes: bundle.ref.size,
  opened: summary(orders.map((item) => item.openedMs)),
  accepted: summary(orders.map((item) => item.acceptedMs)),
  firstLog: summary(orders.map((item) => item.firstLogMs)),
  sandboxAlone: summary(sandbox),
  aboveSandbox: summary(orders.map((item, index) => item.firstLogMs - (sandbox[index] ?? Number.NaN))),
  toReach: { aboveSandboxMs: 1500 },
}
mkdirSync(new URL('../results/', import.meta.url), { recursive: true })
writeFileSync(new URL('../results/order.json', import.meta.url), `${JSON.stringify(result, null, 2)}\n`)
console.table({
  'lease opened': result.opened,
  'job accepted': result.accepted,
  'first line of the log': result.firstLog,
  'sandbox alone': result.sandboxAlone,
  'above the sandbox': result.aboveSandbox,
})
process.exit(0)
