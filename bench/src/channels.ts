// Payments on channels: how fast a payee takes vouchers and ticks, on disk before it serves, beside the check of a voucher as the
// stock packages make it (viem's verifyTypedData) in the same run; what the paywall adds to a request. Vouchers are signed beforehand: the payer's time is not the payee's.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, loadavg, release, tmpdir } from 'node:os'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import {
  type ChannelPayment,
  channelPaymentToJson,
  decodePaymentRequired,
  encodePaymentPayload,
  headerNames,
  openCurve,
  openLedger,
  toHex,
} from '@millrace/pay'
import {
  type Channel,
  type ChannelState,
  createTickChain,
  hashChannel,
  hashVoucher,
  type Voucher,
} from '@millrace/sdk'
import { type Address, type Hash, hexToBytes, verifyTypedData, zeroAddress, zeroHash } from 'viem'
import { ownBatch, signBatchVouchers, stockBatch } from './_channels/batch.ts'
import { probeDisk } from './_channels/probeDisk.ts'

const CHANNELS = Number(process.env.CHANNELS ?? 1000)
const VOUCHERS = Number(process.env.VOUCHERS ?? 20_000)
const TICKS = Number(process.env.TICKS ?? 1_000_000)
const REQUESTS = Number(process.env.REQUESTS ?? 3000)
/** What other work on the machine adds is no part of what is measured: the best of so many counts, and all are told. */
const REPEATS = Number(process.env.REPEATS ?? 3)

const loadAtStart = loadavg()[0] ?? 0
const say = (text: string) => process.stdout.write(`${text}\n`)
const folder = mkdtempSync(join(tmpdir(), 'millrace-bench-channels-'))
const curve = await openCurve()

// No chain: what it would say is known. A payee asks it once a channel.
const deployment = {
  chainId: 31_337,
  ...{
    assets: zeroAddress,
    till: `0x${'11'.repeat(20)}` as Address,
    market: zeroAddress,
    channels: `0x${'c4'.repeat(20)}` as Address,
  },
  currencies: [],
  epochLength: 5,
} as const
const currency = {
  address: `0x${'c0'.repeat(20)}` as Address,
  symbol: 'TUSD',
  decimals: 6,
  name: 'Test Dollar',
  version: '1',
} as const
const payee = `0x${'0e'.repeat(20)}` as const
const deposit = 10n ** 15n
const states = new Map<Hash, ChannelState>()

interface Payer {
  readonly key: Uint8Array
  readonly channel: Channel
  readonly id: Hash
}

function payerOf(index: number): Payer {
  const key = hexToBytes(`0x${(index + 1).toString(16).padStart(64, '0')}`)
  const address = curve.addressOf(key)
  const parties = { payer: address, signer: address, payee, asset: 0n, currency: currency.address }
  const channel: Channel = { ...parties, closeDelay: 900, salt: zeroHash }
  const id = hashChannel(channel, deployment)
  states.set(id, { id, state: 'open', deposit, claimed: 0n, epoch: 0n, closesAt: 0 })
  return { key, channel, id }
}

function paymentOf(
  { key, channel, id }: Payer,
  cumulative: bigint,
  ticks: Partial<Voucher> = {},
): ChannelPayment {
  const nothing = { anchor: zeroHash, tickPrice: 0n, maxTicks: 0, terms: zeroHash }
  const voucher: Voucher = { channel: id, epoch: 0n, cumulative, ...nothing, ...ticks }
  return { channel, voucher, signature: curve.sign(hexToBytes(hashVoucher(voucher, deployment)), key) }
}

const open = (name: string) =>
  openLedger({
    ...deployment,
    path: join(folder, `${name}.jsonl`),
    payee: { account: payee },
    currency: currency.address,
    readChannel: async (id) =>
      states.get(id) ?? { id, state: 'none', deposit: 0n, claimed: 0n, epoch: 0n, closesAt: 0 },
  })

/** What was done in a stretch, by the clock and by this process's time on a processor. */
async function rate(count: number, work: () => Promise<void>) {
  const cpu = process.cpuUsage()
  const started = performance.now()
  await work()
  const seconds = (performance.now() - started) / 1000
  const { user, system } = process.cpuUsage(cpu)
  return {
    count,
    perSecond: Math.round(count / seconds),
    perProcessorSecond: Math.round(count / ((user + system) / 1e6)),
  }
}

const payers = Array.from({ length: CHANNELS }, (_, index) => payerOf(index))
say(`signing ${VOUCHERS} vouchers on ${CHANNELS} channels …`)
const vouchers = Array.from({ length: VOUCHERS }, (_, index) =>
  paymentOf(payers[index % CHANNELS] as Payer, BigInt(Math.floor(index / CHANNELS) + 1) * 100n),
)

// ---- vouchers, on disk before each resolves; as many at once as a busy server has
let unpaid = 0
const voucherRates: Awaited<ReturnType<typeof rate>>[] = []
for (let run = 0; run < REPEATS; run++) {
  const ledger = await open(`vouchers-${run}`)
  const took = await rate(VOUCHERS, async () => {
    const atOnce = 256
    for (let at = 0; at < VOUCHERS; at += atOnce)
      await Promise.all(
        vouchers
          .slice(at, at + atOnce)
          .map(async (payment) => (await ledger.hold(payment, 100n)).capture(100n)),
      )
    await ledger.flush()
  })
  voucherRates.push(took)
  unpaid += ledger.books().filter(({ spent, worth }) => spent !== worth).length
  await ledger.close()
}
const [voucherRate, ...otherRates] = voucherRates.sort((a, b) => b.perSecond - a.perSecond)

// ---- the check alone, as the stock packages make it
const types = {
  Voucher: [
    { name: 'channel', type: 'bytes32' },
    { name: 'epoch', type: 'uint64' },
    { name: 'cumulative', type: 'uint128' },
    { name: 'anchor', type: 'bytes32' },
    { name: 'tickPrice', type: 'uint64' },
    { name: 'maxTicks', type: 'uint32' },
    { name: 'terms', type: 'bytes32' },
  ],
} as const
const peerRate = await rate(500, async () => {
  for (const { channel, voucher, signature } of vouchers.slice(0, 500)) {
    const isValid = await verifyTypedData({
      address: channel.signer,
      domain: {
        name: 'Millrace Channels',
        version: '1',
        chainId: deployment.chainId,
        verifyingContract: deployment.channels,
      },
      types,
      primaryType: 'Voucher',
      message: voucher,
      signature,
    })
    if (!isValid) throw new RangeError('a voucher of ours is refused')
  }
})

// ---- vouchers of x402's own channels, by our scheme and by the stock server's, each checked, held and charged
const batchCalls = 500
const batch = signBatchVouchers(curve, { channels: 100, each: Math.max(5, Math.floor(VOUCHERS / 1000)) })
const own = await ownBatch(join(folder, 'batch.jsonl'))
const ownBatchRate = await rate(batch.payments.length, async () => {
  for (let at = 0; at < batch.payments.length; at += 100)
    await Promise.all(batch.payments.slice(at, at + 100).map((payment) => own.take(payment)))
})
const stock = await stockBatch(batch)
const stockBatchRate = await rate(batchCalls, async () => {
  for (const payment of batch.payments.slice(0, batchCalls)) await stock.take(payment)
})
const [sample] = batch.channels
const charged = sample === undefined ? [] : [own.spent(sample.id), await stock.spent(sample.id)]
await own.close()

// ---- ticks, spread over live channels; the file is written every ten thousand
const live = payers.slice(0, Math.min(CHANNELS, 250))
const perChannel = Math.min(4000, Math.floor(TICKS / live.length))
const chains = live.map((payer, index) => {
  const words = createTickChain(
    toHex(hexToBytes(`0x${(index + 7).toString(16).padStart(64, '0')}`)),
    perChannel,
  )
  return {
    payer,
    shown: Array.from({ length: perChannel }, (_, at) => words.word(at + 1)),
    anchor: words.anchor,
  }
})
const ticking = await open('ticks')
for (const { payer, anchor } of chains)
  await ticking.accept(paymentOf(payer, 0n, { anchor, tickPrice: 1n, maxTicks: perChannel }))
const tickRate = await rate(perChannel * chains.length, async () => {
  let since = 0
  for (let at = 0; at < perChannel; at++)
    for (const { payer, shown } of chains) {
      ticking.tick(payer.id, { word: shown[at] as Hash, ticks: at + 1 })
      if (++since === 10_000) {
        since = 0
        await ticking.flush()
      }
    }
  await ticking.flush()
})
await ticking.close()

// ---- what the paywall adds to a request: seller and client are processes of their own, the client asks at a rate that does not wait for answers
const seller = spawn(
  process.execPath,
  [
    ...['--conditions=source', '--import', 'tsx'],
    join(import.meta.dirname, '_channels', 'server.ts'),
    JSON.stringify({ deployment, currency, payee, path: join(folder, 'requests.jsonl') }),
  ],
  { stdio: ['ignore', 'pipe', 'inherit'] },
)
const [line] = (await once(seller.stdout, 'data')) as [Buffer]
const port = Number(line.toString())

const asked = await fetch(`http://127.0.0.1:${port}/paid`)
const [accepted] = decodePaymentRequired(asked.headers.get(headerNames.required) ?? '').accepts
if (accepted === undefined) throw new RangeError('the seller asks for nothing')
const headerOf = (payload: Readonly<Record<string, unknown>>) =>
  encodePaymentPayload({ x402Version: 2, accepted, payload })

/** Headers of `count` payments of 100 units, each by a voucher of its own. */
function byVoucher(count: number): string[] {
  const buyer = payerOf(1_000_000)
  return Array.from({ length: count }, (_, index) =>
    headerOf(channelPaymentToJson(paymentOf(buyer, BigInt(index + 1) * 100n))),
  )
}

/** The same by words of a chain: as the paying fetch pays calls of one price. The first payment brings the voucher. */
function byWord(count: number): string[] {
  const buyer = payerOf(1_000_001)
  const headers: string[] = []
  for (let done = 0; done < count; ) {
    const length = Math.min(4096, count - done)
    const words = createTickChain(toHex(hexToBytes(`0x${(done + 9).toString(16).padStart(64, '0')}`)), length)
    const opening = paymentOf(buyer, BigInt(done) * 100n, {
      ...{ anchor: words.anchor, tickPrice: 100n, maxTicks: length },
    })
    for (let ticks = 1; ticks <= length; ticks++) {
      const tick = { word: words.word(ticks), ticks }
      headers.push(
        headerOf(
          ticks === 1
            ? channelPaymentToJson({ ...opening, tick })
            : { channel: buyer.id, anchor: words.anchor, tick },
        ),
      )
    }
    done += length
  }
  return headers
}

/** Asks `perSecond` times a second, for each of `headers` once, and says how long each answer took, in milliseconds. */
const ask = (path: string, headers: readonly string[], perSecond: number): Promise<number[]> =>
  new Promise((resolve, reject) => {
    const worker = new Worker(new URL('./_channels/askAtRate.mjs', import.meta.url), {
      workerData: { port, path, headers, perSecond, header: headerNames.payment },
      execArgv: [],
    })
    worker.once('message', resolve)
    worker.once('error', reject)
  })

const round = (value: number) => Math.round(value * 1000) / 1000
/** Of times in milliseconds. */
function quantiles(times: readonly number[]) {
  const sorted = [...times].sort((a, b) => a - b)
  const at = (part: number) => round(sorted[Math.floor(sorted.length * part)] ?? 0)
  return { p50: at(0.5), p99: at(0.99), most: round(sorted.at(-1) ?? 0) }
}
/** What happened in the seller since it was asked last: pauses of the collector, and writes to disk. */
const stats = async () =>
  (await (await fetch(`http://127.0.0.1:${port}/stats`)).json()) as { pauses: number[]; syncs: number[] }

const nothing = Array.from({ length: REQUESTS }, () => '')
/** Once: the disk alone, the route without payment, and the route with, one right after the other at the same rate. */
async function measure(perSecond: number, payments: readonly string[]) {
  await ask('/free', nothing.slice(0, 200), perSecond)
  await ask('/paid', payments.slice(0, 200), perSecond)
  const disk = quantiles(await probeDisk(join(folder, 'probe'), { count: REQUESTS, perSecond }))
  const free = quantiles(await ask('/free', nothing, perSecond))
  await stats()
  const paid = quantiles(await ask('/paid', payments.slice(200), perSecond))
  const { pauses, syncs } = await stats()
  return {
    ...{ addedP50: round(paid.p50 - free.p50), addedP99: round(paid.p99 - free.p99), free, paid },
    'the disk alone, before': disk,
    'the disk, from the seller’s write to its answer': quantiles(syncs),
    'collector in the seller': { pauses: pauses.length, ...quantiles(pauses) },
  }
}

const added: Record<string, unknown> = {}
for (const [way, make] of Object.entries({ voucher: byVoucher, word: byWord })) {
  const each = REQUESTS + 200
  const rates = [100, 400]
  const payments = make(rates.length * REPEATS * each)
  for (const perSecond of rates) {
    const runs: Awaited<ReturnType<typeof measure>>[] = []
    for (let run = 0; run < REPEATS; run++) runs.push(await measure(perSecond, payments.splice(0, each)))
    const [best, ...others] = runs.sort((a, b) => a.paid.p99 - b.paid.p99)
    added[`by ${way}, ${perSecond} a second`] = {
      ...{ goalAddedP99: 2, ...best, 'addedP99 of the other runs': others.map(({ addedP99 }) => addedP99) },
    }
  }
}
seller.kill()
await once(seller, 'exit')
rmSync(folder, { recursive: true, force: true })

const result = {
  what: 'vouchers are checked, held, charged and on disk; ticks are checked and on disk every 10,000; latencies in milliseconds at a rate that does not wait for answers, seller and client in processes of their own, all payments on one channel',
  machine: {
    cpu: cpus()[0]?.model,
    cores: cpus().length,
    kernel: release(),
    loadAtStart: Math.round(loadAtStart * 100) / 100,
  },
  node: process.version,
  channels: CHANNELS,
  'vouchers accepted, durable': {
    ...{ ...voucherRate, goalPerSecond: 8_000 },
    'perSecond of the other runs': otherRates.map(({ perSecond }) => perSecond),
  },
  'voucher checked by viem': peerRate,
  'voucher of batch-settlement accepted': {
    'ours, durable': ownBatchRate,
    'stock server, in memory': stockBatchRate,
  },
  'ticks accepted': { ...tickRate, goalPerSecond: 300_000 },
  'added to a request': added,
}
mkdirSync('bench/results', { recursive: true })
writeFileSync('bench/results/channels.json', `${JSON.stringify(result, null, 2)}\n`)
say(JSON.stringify(result, null, 2))
if (unpaid > 0) throw new RangeError(`${unpaid} books do not add up`)
// A hundred channels, and a hundred units a call: what a channel was charged is the number of calls in all.
if (charged[0] !== BigInt(batch.payments.length) || charged[1] !== BigInt(batchCalls))
  throw new RangeError(`channels of batch-settlement do not add up: ${charged.join(', ')}`)
