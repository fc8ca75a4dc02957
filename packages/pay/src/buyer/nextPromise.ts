import { createTickChain, type Tick, type TickChain, type Voucher, voucherWorth } from '@millrace/sdk'
import { type Hash, type Hex, zeroHash } from 'viem'
import { generatePrivateKey } from 'viem/accounts'
import { largestGap } from '../ledger/channelBook.ts'

/** A voucher whose hash chain is being spent. It lives in memory only: after a crash the next promise is a new voucher. */
export interface Ticking {
  readonly voucher: Voucher
  readonly signature: Promise<Hex>
  readonly chain: TickChain
  /** Ticks that may have left this process. */
  shown: number
  /** Ticks that the payee has answered to. */
  acknowledged: number
  /** Whether the payee has answered to the voucher at all, so that a tick alone says enough. */
  known: boolean
}

/** What of a channel the next promise depends on. */
export interface Promising {
  readonly id: Hash
  readonly epoch: bigint
  /** Promised in all before this one. */
  readonly signed: bigint
  ticking: Ticking | null
  /** What the call before this one cost: a price that comes back is worth a hash chain. */
  lastPrice: bigint | null
}

/** What is sent for a promise: a voucher, and how far its chain goes. */
export interface Promised {
  readonly voucher: Voucher
  readonly signature: Promise<Hex>
  readonly tick: Tick | null
  /** The chain it is on, to be told what the payee has seen. */
  readonly ticking: Ticking | null
}

/** Words of a chain. Longer ones cost the payer more to make than a signature does for each. */
export const chainLength = 512
/** Most ticks that pay one call: beyond it a signature is cheaper for the payee to check. */
const mostTicksACall = 64
const mostTickPrice = 2n ** 64n - 1n

/**
 * Promises `cumulative` in all: by the next words of the voucher that counts where its ticks make up the difference, by a new voucher
 * otherwise. A voucher carries a chain once the same price is paid for the second time in a row. Nothing here waits: calls that are made
 * at once promise one after the other.
 *
 * @param own The channel; its chain is changed in place.
 * @param options What is promised in all and what the call costs, in base units, what was agreed, and how a voucher is signed.
 */
export function nextPromise(
  own: Promising,
  options: {
    readonly cumulative: bigint
    readonly price: bigint
    readonly terms: Hash
    readonly sign: (voucher: Voucher) => Promise<Hex>
  },
): Promised {
  const { cumulative, price, terms, sign } = options
  const repeats = own.lastPrice === price && price > 0n && price <= mostTickPrice
  own.lastPrice = price
  const { ticking } = own
  const ticks = ticking === null ? null : ticksFor(own, ticking, { cumulative, terms })
  if (ticking !== null && ticks !== null) {
    ticking.shown = ticks
    const { voucher, signature, chain } = ticking
    return { voucher, signature, ticking, tick: ticks === 0 ? null : { word: chain.word(ticks), ticks } }
  }
  const plain = { channel: own.id, epoch: own.epoch, cumulative, terms }
  if (!repeats) {
    own.ticking = null
    const voucher = { anchor: zeroHash, tickPrice: 0n, maxTicks: 0, ...plain }
    return { voucher, signature: sign(voucher), tick: null, ticking: null }
  }
  const chain = createTickChain(generatePrivateKey(), chainLength)
  const voucher = { anchor: chain.anchor, tickPrice: price, maxTicks: chain.length, ...plain }
  const fresh = { voucher, signature: sign(voucher), chain, shown: 0, acknowledged: 0, known: false }
  own.ticking = fresh
  return { voucher, signature: fresh.signature, tick: null, ticking: fresh }
}

/** Ticks in all that make the chain's voucher worth `cumulative`; null where a new voucher must. */
function ticksFor(
  { epoch, signed }: Promising,
  { voucher, shown, acknowledged }: Ticking,
  { cumulative, terms }: { readonly cumulative: bigint; readonly terms: Hash },
): number | null {
  // What was promised besides, by a voucher of a lost file say, is not in this chain.
  if (voucher.epoch !== epoch || voucher.terms !== terms || voucherWorth(voucher, shown) !== signed)
    return null
  const grown = cumulative - signed
  if (grown % voucher.tickPrice !== 0n) return null
  const more = grown / voucher.tickPrice
  if (more > BigInt(mostTicksACall)) return null
  const ticks = shown + Number(more)
  return ticks <= voucher.maxTicks && ticks - acknowledged <= largestGap ? ticks : null
}
