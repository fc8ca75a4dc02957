import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  createPayingFetch,
  memoryJournal,
  openBatchLedger,
  openBatchWallet,
  openBudget,
  openFacilitator,
  readBatchChannel,
  startBatchClaimer,
} from '../src/index.ts'
import { placeX402Contracts } from '../src/x402/placeX402Contracts.ts'
import { accountAt, startLocalChain } from './localChain.ts'

const deep = process.env.MILLRACE_DEEP !== undefined
const seed = Number(process.env.MILLRACE_SEED ?? 20_261_125)
const buyers = deep ? 60 : 6
const kills = deep ? 12 : 3
const price = 700n
const limit = 40n * price
const owned = 1_000_000n

let chain: Awaited<ReturnType<typeof startLocalChain>>
let folder: string
let seller: ChildProcess | null = null
let port = 0
const receiver = privateKeyToAccount(generatePrivateKey()).address
const authorizer = generatePrivateKey()

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'batch-crash-'))
  chain = await startLocalChain()
  await placeX402Contracts(chain.client)
})
afterAll(async () => {
  seller?.kill('SIGKILL')
  await chain?.stop()
  rmSync(folder, { recursive: true, force: true, maxRetries: 40, retryDelay: 50 })
})

let starts = 0
async function startSeller(): Promise<void> {
  const script = fileURLToPath(new URL('./batchSeller.process.ts', import.meta.url))
  const { deployment, url: rpc } = chain
  const given = {
    deployment,
    rpc,
    folder,
    port,
    price: price.toString(),
    payTo: receiver,
    authorizer,
    ahead: starts++ % 2 === 1,
  }
  const child = spawn(
    process.execPath,
    ['--conditions=source', '--import', 'tsx', script, JSON.stringify(given)],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  seller = child
  const failed = once(child, 'exit').then(() => {
    throw new RangeError('the seller ended before it sold')
  })
  const [line] = (await Promise.race([once(child.stdout, 'data'), failed])) as [Buffer]
  failed.catch(() => undefined)
  port = Number(line.toString().trim())
}

async function endSeller(): Promise<void> {
  const gone = once(seller as ChildProcess, 'exit')
  seller?.kill('SIGKILL')
  await gone
  seller = null
}

test(`crash: a seller by batch-settlement killed at random points loses no voucher, serves nothing unpaid, deposits nothing twice, and no buyer passes its budget (MILLRACE_SEED=${seed})`, async () => {
  await startSeller()
  const { deployment, currency, client } = chain
  const readChannel = (channel: `0x${string}`) => readBatchChannel(client, { channel })
  let over = false
  const payers = await Promise.all(
    Array.from({ length: buyers }, async (_, index) => {
      const payer = privateKeyToAccount(generatePrivateKey())
      const budget = await openBudget({
        path: join(folder, `budget-${index}.jsonl`),
        limits: { lifetime: limit },
      })
      const batch = await openBatchWallet({
        ...{ path: join(folder, `wallet-${index}.jsonl`), deployment, currency, payer, budget, readChannel },
        maxDeposit: 20n * price,
      })
      return { payer, budget, batch, fetch: createPayingFetch({ deployment, currency, budget, batch }) }
    }),
  )
  for (const { payer } of payers) await chain.mint(payer.address, owned)

  const buy = async ({ fetch }: (typeof payers)[0]) => {
    let served = 0
    const one = async () => {
      while (!over) {
        try {
          const answer = await fetch(`http://127.0.0.1:${port}/data`)
          if (answer.status === 200 && (await answer.text()) === 'served') served++
          else await sleep(20)
        } catch (error) {
          const code = error instanceof Error && 'code' in error ? error.code : ''
          if (code === 'BUDGET_EXCEEDED') return
          await sleep(20)
        }
      }
    }
    await Promise.all([one(), one()])
    return served
  }
  const buying = Promise.all(payers.map(buy))
  let state = seed
  const random = () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    return state / 2 ** 32
  }
  for (let kill = 0; kill < kills; kill++) {
    await sleep(200 + random() * 700)
    await endSeller()
    await startSeller()
  }
  const timer = setTimeout(
    () => {
      over = true
    },
    deep ? 300_000 : 90_000,
  )
  const bought = await buying
  clearTimeout(timer)
  await endSeller()

  // What the file says after all of it is what anyone would find.
  const ledger = await openBatchLedger({ path: join(folder, 'ledger.jsonl'), readChannel })
  let charged = 0n
  for (const [index, { payer, budget, batch }] of payers.entries()) {
    const served = BigInt(bought[index] ?? 0)
    const book = ledger.books().find(({ config }) => config.payer === payer.address.toLowerCase())
    const [own] = batch.channels()
    const spent = book?.spent ?? 0n
    const promised = book?.best?.maxClaimableAmount ?? 0n
    charged += spent
    expect(served).toBeGreaterThan(0n)
    expect(served * price).toBeLessThanOrEqual(spent)
    expect(spent).toBeLessThanOrEqual(promised)
    expect(promised).toBeLessThanOrEqual(own?.signed ?? 0n)
    expect(own?.signed ?? 0n).toBeLessThanOrEqual(budget.state().spent)
    expect(budget.state().spent).toBeLessThanOrEqual(limit)
    // What left the payer's wallet is in its channel, and never more than may be locked beyond what was spent.
    const { balance } = await readChannel(book?.id ?? `0x${'00'.repeat(32)}`)
    expect(owned - (await chain.balanceOf(payer.address))).toBe(balance)
    expect(balance).toBeLessThanOrEqual(spent + 20n * price)
    await batch.close()
    await budget.close()
  }

  const network = `eip155:${deployment.chainId}`
  const facilitator = await openFacilitator({
    chains: [{ network, client, relayer: accountAt(6) }],
    journal: memoryJournal(),
  })
  const { address: asset, name, version } = currency
  const claimer = startBatchClaimer({
    ...{ ledger, facilitator, authorizer: privateKeyToAccount(authorizer), everyMs: 3_600_000 },
    currency: { network, asset, payTo: receiver, name, version },
  })
  await claimer.claimNow({ all: true })
  expect(await chain.balanceOf(receiver)).toBe(charged)
  await claimer.stop()
  await facilitator.close()
  await ledger.close()
}, 400_000)
