// What the paywall adds to a request: seller and client are processes of their own, the client asks at a rate that does not wait for answers.
import { join } from 'node:path'
import {
  channelPaymentToJson,
  decodePaymentRequired,
  encodePaymentPayload,
  headerNames,
  toHex,
} from '@millrace/pay'
import { createTickChain } from '@millrace/sdk'
import { hexToBytes } from 'viem'
import { ask, quantiles, round } from '../_latency/ask.ts'
import { startBundled } from '../_latency/startBundled.ts'
import { payerOf, paymentOf } from './parties.ts'
import { probeDisk } from './probeDisk.ts'

export interface AddedOptions {
  readonly requests: number
  readonly repeats: number
}

/** Requests that are asked before any is counted: what is slow until it is compiled is another number. */
const warmUp = 2_000

/** What payment adds at each of `rates`, books in `at`: the best of the runs, and what the others were. */
export async function addedBy(at: string, rates: readonly number[], { repeats, requests }: AddedOptions) {
  const seller = await startSeller(at)
  const added: Record<string, unknown> = {}
  for (const [way, make] of Object.entries({ voucher: byVoucher, word: byWord })) {
    const each = requests + 200
    const payments = make(seller, warmUp + rates.length * repeats * each)
    await ask(
      { ...seller, path: '/free' },
      { headers: Array.from({ length: warmUp }, () => ''), perSecond: 400 },
    )
    await ask({ ...seller, path: '/paid' }, { headers: payments.splice(0, warmUp), perSecond: 400 })
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
async function startSeller(at: string) {
  const { port, stop } = await startBundled(join(import.meta.dirname, 'server.ts'), {
    path: join(at, 'requests.jsonl'),
  })
  const asked = await fetch(`http://127.0.0.1:${port}/paid`)
  const [accepted] = decodePaymentRequired(asked.headers.get(headerNames.required) ?? '').accepts
  if (accepted === undefined) throw new RangeError('the seller asks for nothing')
  return { port, accepted, at, stop }
}

type Seller = Awaited<ReturnType<typeof startSeller>>

const headerOf = ({ accepted }: Seller, payload: Readonly<Record<string, unknown>>) =>
  encodePaymentPayload({ x402Version: 2, accepted, payload })

/** Headers of `count` payments of 100 units, each by a voucher of its own. */
function byVoucher(seller: Seller, count: number): string[] {
  const buyer = payerOf(1_000_000)
  return Array.from({ length: count }, (_, index) =>
    headerOf(seller, channelPaymentToJson(paymentOf(buyer, BigInt(index + 1) * 100n))),
  )
}

/** The same by words of a chain: as the paying fetch pays calls of one price. The first payment brings the voucher. */
function byWord(seller: Seller, count: number): string[] {
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

/** What happened in the seller since it was asked last: pauses of the collector, and writes to disk. */
const stats = async ({ port }: Seller) =>
  (await (await fetch(`http://127.0.0.1:${port}/stats`)).json()) as { pauses: number[]; syncs: number[] }

/** Once: the disk alone, the route without payment, and the route with, one right after the other at the same rate. */
async function measure(seller: Seller, perSecond: number, payments: readonly string[]) {
  const count = payments.length - 200
  const nothing = Array.from({ length: count }, () => '')
  await ask({ ...seller, path: '/free' }, { headers: nothing.slice(0, 200), perSecond })
  await ask({ ...seller, path: '/paid' }, { headers: payments.slice(0, 200), perSecond })
  const disk = quantiles(await probeDisk(join(seller.at, 'probe'), { count, perSecond }))
  const free = quantiles(await ask({ ...seller, path: '/free' }, { headers: nothing, perSecond }))
  await stats(seller)
  const paid = quantiles(await ask({ ...seller, path: '/paid' }, { headers: payments.slice(200), perSecond }))
  const { pauses, syncs } = await stats(seller)
  return {
    ...{ addedP50: round(paid.p50 - free.p50), addedP99: round(paid.p99 - free.p99), free, paid },
    'the disk alone, before': disk,
    'the disk, from the seller’s write to its answer': quantiles(syncs),
    'collector in the seller': { pauses: pauses.length, ...quantiles(pauses) },
  }
}
