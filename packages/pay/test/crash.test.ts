import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { claimVouchers, confirm, getBalance, getChannel, mintTestDollars } from '@millrace/sdk'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createPayingFetch, openBudget, openChannelWallet, openLedger, type Payment } from '../src/index.ts'
import { claimOf } from '../src/ledger/startClaimer.ts'
import { startLocalChain } from './localChain.ts'

const deep = process.env.MILLRACE_DEEP !== undefined
const seed = Number(process.env.MILLRACE_SEED ?? 20_261_125)
const buyers = deep ? 200 : 12
const kills = deep ? 12 : 3
const price = 700n
const limit = 60n * price

let chain: Awaited<ReturnType<typeof startLocalChain>>
let folder: string
let seller: ChildProcess | null = null
let port = 0
const payee = privateKeyToAccount(generatePrivateKey()).address

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'crash-'))
  chain = await startLocalChain()
})
afterAll(async () => {
  seller?.kill('SIGKILL')
  await chain?.stop()
  rmSync(folder, { recursive: true, force: true, maxRetries: 40, retryDelay: 50 })
})

const path = () => join(folder, 'ledger.jsonl')

let starts = 0
async function startSeller(): Promise<void> {
  const script = fileURLToPath(new URL('./seller.process.ts', import.meta.url))
  const { deployment, url: rpc } = chain
  // Every other time it makes its answers while the payments are written.
  const given = JSON.stringify({
    ...{ deployment, rpc, path: path(), port, price: price.toString(), payee },
    ahead: starts++ % 2 === 1,
  })
  const child = spawn(process.execPath, ['--conditions=source', '--import', 'tsx', script, given], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  seller = child
  const [line] = (await once(child.stdout, 'data')) as [Buffer]
  port = Number(line.toString().trim())
}

test(`behavior: a seller killed at random points loses no promise, serves nothing unpaid, and no buyer passes its budget (MILLRACE_SEED=${seed})`, async () => {
  await startSeller()
  const { deployment, currency } = chain
  const url = () => `http://127.0.0.1:${port}/data`
  let over = false
  const payers = await Promise.all(
    Array.from({ length: buyers }, async (_, index) => {
      const payer = privateKeyToAccount(generatePrivateKey())
      const budget = await openBudget({
        path: join(folder, `budget-${index}.jsonl`),
        limits: { lifetime: limit },
      })
      const channels = await openChannelWallet({
        ...{ path: join(folder, `wallet-${index}.jsonl`), deployment, currency, payer, budget },
        readChannel: (channel) => getChannel(chain.client, { deployment, channel }),
        maxDeposit: 200n * price,
      })
      const payments: Payment[] = []
      const onPayment = (payment: Payment) => payments.push(payment)
      const fetch = createPayingFetch({ deployment, currency, budget, channels, onPayment })
      return { payer, budget, channels, payments, fetch }
    }),
  )
  for (const { payer } of payers) {
    const mint = { currency: currency.address, to: payer.address, amount: 1_000_000_000n }
    await confirm(chain.walletOf(0), await mintTestDollars(chain.walletOf(0), mint))
  }

  /** Buys until its budget is spent, four calls at a time, whatever happens to the seller. */
  const buy = async ({ fetch, payments }: (typeof payers)[0]) => {
    let served = 0
    const one = async () => {
      while (!over) {
        try {
          const answer = await fetch(url())
          if (answer.status === 200 && (await answer.text()) === 'served') served++
          else await sleep(20)
        } catch (error) {
          const code = error instanceof Error && 'code' in error ? error.code : ''
          if (code === 'BUDGET_EXCEEDED') return
          await sleep(20)
        }
      }
    }
    await Promise.all([one(), one(), one(), one()])
    return { served, told: payments.filter(({ settled }) => settled !== null).length }
  }
  const buying = Promise.all(payers.map(buy))

  let state = seed
  const random = () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    return state / 2 ** 32
  }
  for (let kill = 0; kill < kills; kill++) {
    await sleep(300 + random() * 900)
    const gone = once(seller as ChildProcess, 'exit')
    seller?.kill('SIGKILL')
    await gone
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
  const gone = once(seller as ChildProcess, 'exit')
  seller?.kill('SIGKILL')
  await gone
  seller = null

  // What the file says after all of it is what anyone would find.
  const ledger = await openLedger({
    ...deployment,
    path: path(),
    payee: { account: payee },
    currency: currency.address,
    readChannel: (channel) => getChannel(chain.client, { deployment, channel }),
  })
  let promised = 0n
  for (const [index, { payer, budget, channels }] of payers.entries()) {
    const { served = 0, told = 0 } = bought[index] ?? {}
    const book = ledger.books().find(({ channel }) => channel.payer === payer.address)
    const [own] = channels.channels()
    const worth = book?.worth ?? 0n
    promised += worth
    expect(served).toBeGreaterThan(0)
    // Every answer that a buyer has is paid for by promises that the seller still holds.
    expect(BigInt(served) * price).toBeLessThanOrEqual(worth)
    expect(told).toBeGreaterThanOrEqual(served)
    expect(book?.spent ?? 0n).toBeLessThanOrEqual(worth)
    // Nothing is held that was not signed, nothing signed that the budget did not count.
    expect(worth).toBeLessThanOrEqual(own?.signed ?? 0n)
    expect(own?.signed ?? 0n).toBeLessThanOrEqual(budget.state().spent)
    expect(budget.state().spent).toBeLessThanOrEqual(limit)
    await channels.close()
    await budget.close()
  }

  const wallet = chain.walletOf(0)
  const claims = ledger.books().flatMap(claimOf)
  await confirm(wallet, await claimVouchers(wallet, { deployment, claims }))
  const { till } = await getBalance(chain.client, { deployment, account: payee, currency: currency.address })
  expect(till).toBe(promised)
  await ledger.close()
}, 400_000)
