import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Deployment } from '@millrace/sdk'
import { createPublicClient, http } from 'viem'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readLedger } from './ledger.ts'
import { millraceIn } from './millrace.ts'

const chosen = process.env.MILLRACE_DEEP === undefined ? 20_261_121 : Math.floor(Math.random() * 2 ** 31)
const seed = Number(process.env.MILLRACE_SEED ?? chosen)
const deep = process.env.MILLRACE_DEEP !== undefined
const jobs = deep ? 30 : 5

/** mulberry32: small, seeded, good enough to choose victims. */
function randomFrom(start: number): () => number {
  let state = start
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

const home = mkdtempSync(join(tmpdir(), 'millrace-chaos-'))
const millrace = millraceIn(home)
const victims = ['chain', 'gateway', 'node', 'up'] as const

/** Exit code 75 says that the parts are coming back just now: try again. */
async function up() {
  for (let attempt = 0; ; attempt++) {
    const ended = await millrace.run('up', '--detach', '--chain-port', '0', '--gateway-port', '0')
    if (ended.code !== 75 || attempt === 60) return ended
    await sleep(1000)
  }
}

/** Kills a part as a power cut would; whether it was there to be killed. */
function kill(part: (typeof victims)[number]): boolean {
  try {
    const { pid } = JSON.parse(readFileSync(join(home, 'network', `${part}.pid`), 'utf8'))
    process.kill(pid, 'SIGKILL')
    return true
  } catch {
    return false
  }
}

/** Runs a job as a patient person does: what fails because nothing answers is tried again, what was begun is gone on with. */
async function runJob(name: string, script: string): Promise<string> {
  let lease: string | undefined
  for (let attempt = 0; attempt < 10; attempt++) {
    const ended = await millrace.run(
      ...(lease === undefined
        ? ['run', '--yes', '--duration', '20', '--name', name, '--', script]
        : ['run', '--resume', lease]),
    )
    const summary = ended.objects.find(({ event }) => event === 'summary')
    if (summary !== undefined) return `${summary.state}${attempt === 0 ? '' : ` (attempt ${attempt + 1})`}`
    const opened = ended.objects.find(({ event }) => event === 'opened')
    if (opened !== undefined) lease = String(opened.lease)
    // Told that its lease came to nothing, they order again.
    else if (lease !== undefined && ended.code !== 69 && ended.code !== 75) lease = undefined
    await sleep(1000)
  }
  return 'given up'
}

beforeAll(async () => {
  const { code, stderr } = await up()
  expect(code, stderr).toBe(0)
}, 120_000)

afterAll(async () => {
  await millrace.run('down')
  rmSync(home, { recursive: true, force: true, maxRetries: 40, retryDelay: 50 })
})

test(`behavior: every unit of money is accounted for when parts are killed at random (MILLRACE_SEED=${seed})`, {
  timeout: deep ? 3_600_000 : 400_000,
}, async () => {
  const random = randomFrom(seed)
  let running = true
  let kills = 0
  const killer = (async () => {
    while (running) {
      await sleep(500 + random() * 4000)
      if (!running) return
      const victim = victims[Math.floor(random() * victims.length)] ?? 'node'
      if (kill(victim)) kills++
      // The supervisor brings the other parts back; the supervisor itself is brought back by whoever started it.
      if (victim === 'up') await up()
      // One failure at a time: the next comes while the network works again.
      for (
        let wait = 0;
        wait < 120 && running && (await millrace.run('status')).objects[0]?.well !== true;
        wait++
      )
        await sleep(500)
    }
  })()

  const outcomes: string[] = []
  for (let number = 0; number < jobs; number++) {
    const script = `for i in 1 2 3; do echo "line $i"; sleep 0.4; done; mkdir -p out; echo ${number} > out/number`
    outcomes.push(await runJob(`job-${number}`, script))
  }
  running = false
  await killer
  // Nobody is killed any more: what was begun must end by itself.
  const restarted = await up()
  expect(restarted.code, restarted.stderr).toBe(0)

  const network = JSON.parse(readFileSync(join(home, 'network', 'deployment.json'), 'utf8')) as Deployment
  const status = await millrace.run('status')
  const services = status.objects[0]?.services as { service: string; url: string }[]
  const rpc = services.find(({ service }) => service === 'chain')?.url
  const client = createPublicClient({ transport: http(rpc), pollingInterval: 100 })
  const currency = network.currencies[0]?.address
  if (currency === undefined) throw new TypeError('the local network has a currency')

  let ledger = await readLedger(client, network, currency)
  // Leases last 20 s, plus their start window; the node settles them, also those of buyers that gave up.
  for (let wait = 0; wait < 120 && ledger.leases.some(({ settled }) => settled === null); wait++) {
    await sleep(1000)
    ledger = await readLedger(client, network, currency)
  }
  process.stdout.write(
    `seed ${seed}: ${kills} kills, ${ledger.leases.length} leases, jobs ${outcomes.join(', ')}\n`,
  )

  expect(kills).toBeGreaterThan(0)
  expect(ledger.leases.length).toBeGreaterThan(0)
  for (const lease of ledger.leases) {
    expect(lease.settled, `lease ${lease.lease} is settled`).not.toBeNull()
    if (lease.settled === null) continue
    expect(lease.settled.earned + lease.settled.refunded).toBe(lease.deposit)
    expect(lease.starts).toBeLessThanOrEqual(1)
    expect(lease.settled.earned).toBeLessThanOrEqual((lease.pricePerHour * lease.seconds) / 3600n)
    if (lease.starts === 0) expect(lease.settled.earned).toBe(0n)
  }
  expect(ledger.market, 'the market keeps nothing of settled leases').toBe(0n)
  expect(ledger.owed, 'accounts and buckets add up to the tokens held').toBe(ledger.held)
})
