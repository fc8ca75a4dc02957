import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openCurve, openLedger, toHex } from '@millrace/pay'
import { createTickChain } from '@millrace/sdk'
import { type Hash, hexToBytes, verifyTypedData } from 'viem'
import { ownBatch, signBatchVouchers, stockBatch } from './_channels/batch.ts'
import { currency, deployment, payee, payerOf, paymentOf, stateOf } from './_channels/parties.ts'
import { writeResult } from './_result/writeResult.ts'

const CHANNELS = Number(process.env.CHANNELS ?? 1000)
const VOUCHERS = Number(process.env.VOUCHERS ?? 20_000)
const TICKS = Number(process.env.TICKS ?? 1_000_000)
/** What other work on the machine adds is no part of what is measured: the best of so many counts, and all are told. */
const REPEATS = Number(process.env.REPEATS ?? 3)

const say = (text: string) => process.stdout.write(`${text}\n`)
const folder = mkdtempSync(join(tmpdir(), 'millrace-bench-channels-'))
const curve = await openCurve()

const open = (name: string) =>
  openLedger({
    ...deployment,
    path: join(folder, `${name}.jsonl`),
    payee: { account: payee },
    currency: currency.address,
    readChannel: stateOf,
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

const fastestFirst = (rates: readonly Awaited<ReturnType<typeof rate>>[]) =>
  [...rates].sort((a, b) => b.perSecond - a.perSecond)

const payers = Array.from({ length: CHANNELS }, (_, index) => payerOf(index))
say(`signing ${VOUCHERS} vouchers on ${CHANNELS} channels …`)
const vouchers = Array.from({ length: VOUCHERS }, (_, index) =>
  paymentOf(
    payers[index % CHANNELS] as (typeof payers)[number],
    BigInt(Math.floor(index / CHANNELS) + 1) * 100n,
  ),
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
const [voucherRate, ...otherRates] = fastestFirst(voucherRates)

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
const tickRates: Awaited<ReturnType<typeof rate>>[] = []
for (let run = 0; run < REPEATS; run++) {
  const ticking = await open(`ticks-${run}`)
  for (const { payer, anchor } of chains)
    await ticking.accept(paymentOf(payer, 0n, { anchor, tickPrice: 1n, maxTicks: perChannel }))
  tickRates.push(
    await rate(perChannel * chains.length, async () => {
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
    }),
  )
  await ticking.close()
}
const [tickRate, ...otherTickRates] = fastestFirst(tickRates)

rmSync(folder, { recursive: true, force: true })

if (unpaid > 0) throw new RangeError(`${unpaid} books do not add up`)
// A hundred channels, and a hundred units a call: what a channel was charged is the number of calls in all.
if (charged[0] !== BigInt(batch.payments.length) || charged[1] !== BigInt(batchCalls))
  throw new RangeError(`channels of batch-settlement do not add up: ${charged.join(', ')}`)

writeResult('channels', {
  what: 'vouchers are checked, held, charged and on disk; ticks are checked and on disk every 10,000',
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
  'ticks accepted': {
    ...{ ...tickRate, goalPerSecond: 300_000 },
    'perSecond of the other runs': otherTickRates.map(({ perSecond }) => perSecond),
  },
})
