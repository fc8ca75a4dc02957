import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { Agent, request as httpRequest } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import {
  type Channel,
  claimVouchers,
  confirm,
  createTickChain,
  getBalance,
  getChannel,
  hashChannel,
  mintTestDollars,
  signChannelAuthorization,
  signVoucher,
} from '@millrace/sdk'
import { type Hash, type Hex, toHex, zeroHash } from 'viem'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  type ChannelPayment,
  channelPaymentToJson,
  encodePaymentPayload,
  headerNames,
  openLedger,
  type PaymentRequirements,
} from '../src/index.ts'
import { claimOf } from '../src/ledger/startClaimer.ts'
import { startLocalChain } from './localChain.ts'

/**
 * Many channels that are paid at once, at a rate that does not wait for answers, while their seller is killed at random points.
 * Payers are light: a signature opens a chain of words, and each call shows the next one.
 */
const deep = process.env.MILLRACE_DEEP !== undefined
const seed = Number(process.env.MILLRACE_SEED ?? 20_261_125)
const channelCount = Number(process.env.CHANNELS ?? (deep ? 1_000 : 40))
const callsPerSecond = Number(process.env.RATE ?? (deep ? 1_000 : 200))
const seconds = Number(process.env.SECONDS ?? (deep ? 60 : 3))
const kills = deep ? 12 : 2
const price = 700n
const words = 1_024
/** Calls that are not answered yet, and calls that are begun before answers are heard, at most. */
const mostInFlight = 4_096
const mostInTurn = 64

let chain: Awaited<ReturnType<typeof startLocalChain>>
let folder: string
let seller: ChildProcess | null = null
let port = 0
const payee = privateKeyToAccount(generatePrivateKey()).address

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'campaign-'))
  chain = await startLocalChain()
})
afterAll(async () => {
  seller?.kill('SIGKILL')
  await chain?.stop()
  rmSync(folder, { recursive: true, force: true, maxRetries: 40, retryDelay: 50 })
})

const path = () => join(folder, 'ledger.jsonl')

async function startSeller(): Promise<void> {
  const script = fileURLToPath(new URL('./seller.process.ts', import.meta.url))
  const { deployment, url: rpc } = chain
  const given = JSON.stringify({ deployment, rpc, path: path(), port, price: price.toString(), payee })
  const child = spawn(process.execPath, ['--conditions=source', '--import', 'tsx', script, given], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  seller = child
  const [line] = (await once(child.stdout, 'data')) as [Buffer]
  port = Number(line.toString().trim())
}

async function killSeller(): Promise<void> {
  const child = seller
  seller = null
  if (child === null) return
  const gone = once(child, 'exit')
  child.kill('SIGKILL')
  await gone
}

interface Payer {
  readonly channel: Channel
  readonly id: Hash
  readonly payment: ChannelPayment
  readonly word: (ticks: number) => Hex
  /** Words shown. */
  shown: number
  /** Answers that came. */
  served: number
}

async function openPayer(index: number): Promise<Payer> {
  const { deployment, currency } = chain
  const account = privateKeyToAccount(toHex(BigInt(index) + 1_000_000n, { size: 32 }))
  const channel: Channel = {
    ...{ payer: account.address, signer: account.address, payee, asset: 0n },
    ...{ currency: currency.address, closeDelay: 900, salt: zeroHash },
  }
  const id = hashChannel(channel, deployment)
  const { anchor, word } = createTickChain(toHex(BigInt(index), { size: 32 }), words)
  const voucher = {
    ...{ channel: id, epoch: 0n, cumulative: 0n, terms: zeroHash },
    ...{ anchor, tickPrice: price, maxTicks: words },
  }
  const amount = price * BigInt(words)
  const mint = { currency: currency.address, to: account.address, amount }
  await confirm(chain.walletOf(0), await mintTestDollars(chain.walletOf(0), mint))
  const validBefore = BigInt(Math.floor(Date.now() / 1000) + 3_600)
  const [signature, funding] = await Promise.all([
    signVoucher(account, voucher, deployment),
    signChannelAuthorization(account, { deployment, currency, channel, epoch: 0n, amount, validBefore }),
  ])
  return { channel, id, payment: { channel, voucher, signature, funding }, word, shown: 0, served: 0 }
}

const agent = new Agent({ keepAlive: true, maxSockets: 64 })

/** One call; whether it was served. */
function call(accepted: PaymentRequirements, payment: ChannelPayment): Promise<boolean> {
  const header = encodePaymentPayload({ x402Version: 2, accepted, payload: channelPaymentToJson(payment) })
  return new Promise((resolve) => {
    const asking = httpRequest(
      { agent, port, host: '127.0.0.1', path: '/data', headers: { [headerNames.payment]: header } },
      (answer) => {
        answer.resume()
        answer.on('end', () => resolve(answer.statusCode === 200))
        answer.on('error', () => resolve(false))
      },
    )
    asking.on('error', () => resolve(false))
    asking.end()
  })
}

test(`behavior: ${channelCount} channels paid at once at ${callsPerSecond} calls/s, the seller killed ${kills} times: nothing is lost (MILLRACE_SEED=${seed})`, async () => {
  const { deployment, currency } = chain
  await startSeller()
  const asked = await fetch(`http://127.0.0.1:${port}/data`)
  const { accepts } = JSON.parse(
    Buffer.from(asked.headers.get(headerNames.required) ?? '', 'base64').toString(),
  ) as { accepts: [PaymentRequirements] }
  const [accepted] = accepts
  const payers: Payer[] = []
  for (let index = 0; index < channelCount; index++) payers.push(await openPayer(index))
  // The first call of each opens its channel.
  for (const payer of payers) {
    payer.shown = 1
    const tick = { word: payer.word(1), ticks: 1 }
    expect(await call(accepted, { ...payer.payment, tick })).toBe(true)
    payer.served++
  }

  let state = seed
  const random = () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    return state / 2 ** 32
  }
  let inFlight = 0
  let asks = 0
  let heldBack = 0
  let isOver = false
  const killing = (async () => {
    for (let kill = 0; kill < kills; kill++) {
      await sleep(((0.3 + random()) * seconds * 1_000) / (kills + 1))
      if (isOver) return
      await killSeller()
      await startSeller()
    }
  })()
  const begun = performance.now()
  const elapsed = () => (performance.now() - begun) / 1_000
  while (elapsed() < seconds) {
    // Open loop: what is due by now is asked, whether or not earlier calls are answered. A machine that is too busy to ask at this rate must
    // come to hear the answers all the same: a turn has an end, and so has the backlog.
    const due = Math.min(elapsed() * callsPerSecond, asks + mostInTurn)
    for (; asks < due; asks++) {
      if (inFlight >= mostInFlight) {
        heldBack++
        continue
      }
      const payer = payers[Math.floor(random() * payers.length)]
      if (payer === undefined || payer.shown >= words || seller === null) continue
      payer.shown++
      const tick = { word: payer.word(payer.shown), ticks: payer.shown }
      const { funding: _, ...payment } = payer.payment
      inFlight++
      call(accepted, { ...payment, tick }).then((isServed) => {
        inFlight--
        if (isServed) payer.served++
      })
    }
    await sleep(1)
  }
  const took = elapsed()
  isOver = true
  await killing
  await expect.poll(() => inFlight, { timeout: 300_000 }).toBe(0)
  await killSeller()
  agent.destroy()

  const ledger = await openLedger({
    ...deployment,
    path: path(),
    payee: { account: payee },
    currency: currency.address,
    readChannel: (channel) => getChannel(chain.client, { deployment, channel }),
  })
  const books = new Map(ledger.books().map((book) => [book.id, book]))
  let promised = 0n
  let served = 0
  for (const payer of payers) {
    const book = books.get(payer.id)
    const worth = book?.worth ?? 0n
    promised += worth
    served += payer.served
    // Every answer is paid for by promises that are still there; none of them goes beyond what was shown.
    expect(BigInt(payer.served) * price).toBeLessThanOrEqual(book?.spent ?? 0n)
    expect(book?.spent ?? 0n).toBeLessThanOrEqual(worth)
    expect(worth).toBeLessThanOrEqual(BigInt(payer.shown) * price)
  }
  expect(served).toBeGreaterThan(payers.length)
  const wallet = chain.walletOf(0)
  const claims = ledger.books().flatMap(claimOf)
  for (let from = 0; from < claims.length; from += 100)
    await confirm(wallet, await claimVouchers(wallet, { deployment, claims: claims.slice(from, from + 100) }))
  const { till } = await getBalance(chain.client, { deployment, account: payee, currency: currency.address })
  expect(till).toBe(promised)
  await ledger.close()
  process.stdout.write(
    `${channelCount} channels, ${asks} calls asked in ${took.toFixed(1)} s, ${served} served (${Math.round(served / took)} a second), ${heldBack} held back, ${kills} kills, ${promised} units claimed\n`,
  )
}, 900_000)
