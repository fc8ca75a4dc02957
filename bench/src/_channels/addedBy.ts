// What the paywall adds to a request: seller and client are processes of their own, the client asks at a rate that does not wait for answers.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import {
  type ChannelPayment,
  channelPaymentToJson,
  decodePaymentRequired,
  encodePaymentPayload,
  headerNames,
  toHex,
} from '@millrace/pay'
import { createTickChain, type Voucher } from '@millrace/sdk'
import { build } from 'esbuild'
import { type Hash, hexToBytes } from 'viem'
import { probeDisk } from './probeDisk.ts'

/** A payer whose channel is `id`, and the payments that it makes. */
export interface Payments<payer extends { readonly id: Hash }> {
  payerOf(index: number): payer
  paymentOf(payer: payer, cumulative: bigint, ticks?: Partial<Voucher>): ChannelPayment
}

export interface AddedOptions<payer extends { readonly id: Hash }> extends Payments<payer> {
  /** What the seller is told, but where its books lie. */
  readonly seller: Readonly<Record<string, unknown>>
  readonly requests: number
  readonly repeats: number
}

/** Requests that are asked before any is counted: what is slow until it is compiled is another number. */
const warmUp = 2_000

/** What payment adds at each of `rates`, books in `at`: the best of the runs, and what the others were. */
export async function addedBy<payer extends { readonly id: Hash }>(
  at: string,
  rates: readonly number[],
  options: AddedOptions<payer>,
) {
  const { repeats, requests } = options
  const seller = await startSeller(at, options.seller)
  const added: Record<string, unknown> = {}
  for (const [way, make] of Object.entries({ voucher: byVoucher, word: byWord })) {
    const each = requests + 200
    const payments = make(seller, options, warmUp + rates.length * repeats * each)
    await ask(seller, '/free', { headers: Array.from({ length: warmUp }, () => ''), perSecond: 400 })
    await ask(seller, '/paid', { headers: payments.splice(0, warmUp), perSecond: 400 })
    for (const perSecond of rates) {
      const runs: Awaited<ReturnType<typeof measure>>[] = []
      for (let run = 0; run < repeats; run++)
        runs.push(await measure(seller, perSecond, payments.splice(0, each)))
      const [best, ...others] = runs.sort((a, b) => a.paid.p99 - b.paid.p99)
      added[`by ${way}, ${perSecond} a second`] = {
        ...{ goalAddedP99: 2, ...best },
        'addedP99 of the other runs': others.map(({ addedP99 }) => addedP99),
      }
    }
  }
  await seller.stop()
  return added
}

/** Starts a seller whose books lie in `at`, and reads what it asks for. */
async function startSeller(at: string, told: Readonly<Record<string, unknown>>) {
  // As sellers run it: one file, without what reads TypeScript. It lies where packages with native bindings are found.
  const bundled = fileURLToPath(new URL('../../../node_modules/.cache/millrace/server.mjs', import.meta.url))
  await build({
    entryPoints: [join(import.meta.dirname, 'server.ts')],
    ...{ outfile: bundled, bundle: true, format: 'esm', platform: 'node', target: 'node20' },
    ...{ conditions: ['source'], external: ['secp256k1/*'], logLevel: 'warning' },
  })
  const seller = spawn(
    process.execPath,
    [bundled, JSON.stringify({ ...told, path: join(at, 'requests.jsonl') })],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  const [line] = (await once(seller.stdout, 'data')) as [Buffer]
  const port = Number(line.toString())
  const asked = await fetch(`http://127.0.0.1:${port}/paid`)
  const [accepted] = decodePaymentRequired(asked.headers.get(headerNames.required) ?? '').accepts
  if (accepted === undefined) throw new RangeError('the seller asks for nothing')
  return {
    ...{ port, accepted, at },
    async stop() {
      seller.kill()
      await once(seller, 'exit')
    },
  }
}

type Seller = Awaited<ReturnType<typeof startSeller>>

const headerOf = ({ accepted }: Seller, payload: Readonly<Record<string, unknown>>) =>
  encodePaymentPayload({ x402Version: 2, accepted, payload })

/** Headers of `count` payments of 100 units, each by a voucher of its own. */
function byVoucher<payer extends { readonly id: Hash }>(
  seller: Seller,
  { payerOf, paymentOf }: Payments<payer>,
  count: number,
): string[] {
  const buyer = payerOf(1_000_000)
  return Array.from({ length: count }, (_, index) =>
    headerOf(seller, channelPaymentToJson(paymentOf(buyer, BigInt(index + 1) * 100n))),
  )
}

/** The same by words of a chain: as the paying fetch pays calls of one price. The first payment brings the voucher. */
function byWord<payer extends { readonly id: Hash }>(
  seller: Seller,
  { payerOf, paymentOf }: Payments<payer>,
  count: number,
): string[] {
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
          seller,
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
const ask = (
  { port }: Seller,
  path: string,
  { headers, perSecond }: { readonly headers: readonly string[]; readonly perSecond: number },
): Promise<number[]> =>
  new Promise((resolve, reject) => {
    const worker = new Worker(new URL('./askAtRate.mjs', import.meta.url), {
      workerData: { port, path, headers, perSecond, header: headerNames.payment },
      execArgv: [],
      // Pauses of the client's own collector are no part of what the seller adds.
      resourceLimits: { maxYoungGenerationSizeMb: 128 },
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
const stats = async ({ port }: Seller) =>
  (await (await fetch(`http://127.0.0.1:${port}/stats`)).json()) as { pauses: number[]; syncs: number[] }

/** Once: the disk alone, the route without payment, and the route with, one right after the other at the same rate. */
async function measure(seller: Seller, perSecond: number, payments: readonly string[]) {
  const count = payments.length - 200
  const nothing = Array.from({ length: count }, () => '')
  await ask(seller, '/free', { headers: nothing.slice(0, 200), perSecond })
  await ask(seller, '/paid', { headers: payments.slice(0, 200), perSecond })
  const disk = quantiles(await probeDisk(join(seller.at, 'probe'), { count, perSecond }))
  const free = quantiles(await ask(seller, '/free', { headers: nothing, perSecond }))
  await stats(seller)
  const paid = quantiles(await ask(seller, '/paid', { headers: payments.slice(200), perSecond }))
  const { pauses, syncs } = await stats(seller)
  return {
    ...{ addedP50: round(paid.p50 - free.p50), addedP99: round(paid.p99 - free.p99), free, paid },
    'the disk alone, before': disk,
    'the disk, from the seller’s write to its answer': quantiles(syncs),
    'collector in the seller': { pauses: pauses.length, ...quantiles(pauses) },
  }
}
