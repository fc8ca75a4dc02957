// Seller and client are processes of their own, the client asks at a rate that does not wait for answers.
import { join } from 'node:path'
import {
  type ChannelPayment,
  channelPaymentToJson,
  decodePaymentRequired,
  encodePaymentPayload,
  headerNames,
  toHex,
} from '@millrace/pay'
import { createTickChain, type TickChain } from '@millrace/sdk'
import { hexToBytes } from 'viem'
import { payerOf, paymentOf } from '../_channels/parties.ts'
import { quantiles, round } from '../_latency/ask.ts'
import { askWay, bestFirst, byTurns, type Times, type Way } from '../_latency/byTurns.ts'
import { startBundled } from '../_latency/startBundled.ts'
import { probeDisk } from './probeDisk.ts'

/** At what rate, of answers that take how long, and how often. */
export interface AddedOptions {
  readonly perSecond: number
  readonly answerMs: number
  readonly requests: number
  readonly repeats: number
}

/** Requests that are asked before any is counted: what is slow until it is compiled is another number. */
const warmUp = 6_000

/** What payment adds, books in `at`: for each of `cases` the best of its runs, and what the others were. */
export async function addedBy(at: string, cases: readonly AddedOptions[]) {
  const seller = await startSeller(at)
  const added: Record<string, unknown> = {}
  for (const [way, make] of Object.entries({ voucher: byVoucher, word: byWord })) {
    const pay = make(seller)
    const waysOf = (answerMs: number): Record<'free' | 'paid' | 'ahead', Way> => {
      const to = (path: string) => ({ port: seller.port, path: `${path}?ms=${answerMs}` })
      return { free: to('/free'), paid: { ...to('/paid'), pay }, ahead: { ...to('/ahead'), pay } }
    }
    for (const each of Object.values(waysOf(0))) await askWay(each, { count: warmUp, perSecond: 400 })
    for (const each of cases) {
      const { answerMs, perSecond, repeats } = each
      const { ahead, ...others } = waysOf(answerMs)
      // Where the answer is at hand there is nothing to begin ahead with.
      const ways = answerMs === 0 ? others : { ...others, ahead }
      const runs: Awaited<ReturnType<typeof measure>>[] = []
      for (let run = 0; run < repeats; run++) runs.push(await measure(seller, ways, each))
      const best = (name: 'paid' | 'ahead') => {
        const all = runs.flatMap(({ added, ...run }) =>
          added[name] === undefined ? [] : [{ ...added[name], ...run }],
        )
        const [first, ...rest] = bestFirst(all, ({ p99 }) => p99)
        if (first === undefined) return {}
        const others = rest.map((run) => ({
          p99: run.p99,
          'with what the machine stalled': run['with what the machine stalled'].p99,
        }))
        return { [name]: { ...first, 'p99 of the other runs': others } }
      }
      added[`by ${way}, answers of ${answerMs} ms, ${perSecond} a second`] = {
        ...{ goalP99: 2, ...best('paid'), ...best('ahead') },
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

/** Makes payments of 100 units, each by a voucher of its own. */
function byVoucher(seller: Seller): (count: number) => string[] {
  const buyer = payerOf(1_000_000)
  let promised = 0n
  return (count) =>
    Array.from({ length: count }, () => {
      promised += 100n
      return headerOf(seller, channelPaymentToJson(paymentOf(buyer, promised)))
    })
}

/** The same by words of a chain: as the paying fetch pays calls of one price. The first payment brings the voucher. */
function byWord(seller: Seller): (count: number) => string[] {
  const buyer = payerOf(1_000_001)
  const length = 4096
  let paid = 0
  let opened: { readonly words: TickChain; readonly opening: ChannelPayment } | null = null
  const next = (): string => {
    const ticks = (paid % length) + 1
    if (opened === null || ticks === 1) {
      const words = createTickChain(
        toHex(hexToBytes(`0x${(paid + 9).toString(16).padStart(64, '0')}`)),
        length,
      )
      const chain = { anchor: words.anchor, tickPrice: 100n, maxTicks: length }
      opened = { words, opening: paymentOf(buyer, BigInt(paid) * 100n, chain) }
    }
    paid++
    const { words, opening } = opened
    const tick = { word: words.word(ticks), ticks }
    return headerOf(
      seller,
      ticks === 1
        ? channelPaymentToJson({ ...opening, tick })
        : { channel: buyer.id, anchor: words.anchor, tick },
    )
  }
  return (count) => Array.from({ length: count }, next)
}

/** What happened in the seller since it was asked last: pauses of the collector, and writes to disk. */
const stats = async ({ port }: Seller) =>
  (await (await fetch(`http://127.0.0.1:${port}/stats`)).json()) as { pauses: number[]; syncs: number[] }

/** Once: the disk alone, and then each way by turns at the same rate. */
async function measure(
  seller: Seller,
  ways: Readonly<Partial<Record<'free' | 'paid' | 'ahead', Way>>>,
  { requests, perSecond }: AddedOptions,
) {
  const disk = quantiles(await probeDisk(join(seller.at, 'probe'), { count: requests, perSecond }))
  await stats(seller)
  const times = await byTurns(ways as Record<'free' | 'paid' | 'ahead', Way>, { requests, perSecond })
  const { pauses, syncs } = await stats(seller)
  const addedOf = (name: 'paid' | 'ahead') => {
    if (ways[name] === undefined) return undefined
    return {
      ...added(times[name], times.free, 'undisturbed'),
      took: quantiles(times[name].undisturbed),
      undisturbed: round(times[name].undisturbed.length / times[name].all.length),
      'with what the machine stalled': added(times[name], times.free, 'all'),
    }
  }
  return {
    added: { paid: addedOf('paid'), ahead: addedOf('ahead') },
    free: quantiles(times.free.undisturbed),
    'the disk alone, before': disk,
    'the disk, from the seller’s write to its answer': quantiles(syncs),
    'collector in the seller': { pauses: pauses.length, ...quantiles(pauses) },
  }
}

function added(paid: Times, free: Times, which: keyof Times) {
  const took = quantiles(paid[which])
  const before = quantiles(free[which])
  return { p50: round(took.p50 - before.p50), p99: round(took.p99 - before.p99) }
}
