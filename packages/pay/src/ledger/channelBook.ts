import {
  type Channel,
  type ChannelState,
  maxTicks,
  type SignedVoucher,
  type Tick,
  TickInvalidError,
  TicksTooManyError,
  voucherToJson,
  voucherWorth,
} from '@millrace/sdk'
import type { Hash } from 'viem'
import { fromHex } from '../curve/words.ts'
import { DepositTooLowError, TickForeignError } from './errors.ts'
import type { ChannelSnapshot } from './snapshot.ts'

/** keccak256. */
export type HashWord = (word: Uint8Array) => Uint8Array

/**
 * What a payee knows of one life of a channel. It changes in place, since ticks come by the hundred thousand.
 *
 * Invariants: `worth` never falls; `spent` never exceeds `worth`; `worth` never exceeds `deposit`.
 */
export interface ChannelBook {
  readonly id: Hash
  readonly channel: Channel
  readonly epoch: bigint
  /** As the chain showed it last. */
  deposit: bigint
  claimed: bigint
  closesAt: number
  /** The voucher that counts, and what was shown of its ticks. */
  best: SignedVoucher | null
  ticks: number
  word: Hash | null
  /** The same in bytes, for the next tick to be compared with; made when it is needed. */
  wordBytes: Uint8Array | null
  /** What is promised: of the best voucher and its ticks. */
  worth: bigint
  /** Charged, and held for requests in flight. */
  spent: bigint
  /**
   * Last second, by the chain's clock, at which an end that the payee signed is good; null where it signed none. Until the chain shows
   * a later block, nothing is served on this life.
   */
  endsBy: number | null
  /** When the chain was asked about it, by the ledger's own clock in milliseconds. Not on disk: a new process asks again. */
  seenAt: number
  /** Requests in flight. Not on disk: those that a crash broke off count as charged. */
  holds: number
}

/** Of a book that another process kept. */
export const neverSeen = Number.NEGATIVE_INFINITY

/** A book of a channel's present life, of which nothing was promised yet. */
export function newBook(channel: Channel, state: ChannelState): ChannelBook {
  const { id, epoch, deposit, claimed, closesAt } = state
  return {
    ...{ id, channel, epoch, deposit, claimed, closesAt },
    ...{ best: null, ticks: 0, word: null, wordBytes: null, worth: 0n },
    // What the chain paid out was charged by someone who kept these books before.
    spent: claimed,
    ...{ endsBy: null, holds: 0, seenAt: neverSeen },
  }
}

/**
 * Takes a voucher whose signature was checked. Only one that promises at least as much as all before counts: vouchers never
 * add up, so a lower one, late or repeated, changes nothing. Of two with the same sum but other chains the later is taken,
 * since it costs nothing and its payer may have lost the first chain.
 *
 * @returns Whether the book changed.
 */
export function takeVoucher(book: ChannelBook, signed: SignedVoucher): boolean {
  const { cumulative, anchor } = signed.voucher
  if (cumulative < book.worth) return false
  if (book.best !== null && cumulative === book.worth && anchor === book.best.voucher.anchor) return false
  book.best = signed
  book.ticks = 0
  book.word = null
  book.wordBytes = null
  book.worth = cumulative
  return true
}

/** Most hashes that one tick may make us walk: a payer who skips more sends a voucher. */
export const largestGap = 256

/**
 * Takes a tick of the voucher that counts.
 *
 * @returns Whether the book changed: one that was seen, or an earlier one, pays nothing more.
 * @throws TicksTooManyError | DepositTooLowError | TickInvalidError | TickForeignError
 */
export function takeTick(book: ChannelBook, tick: Tick, hash: HashWord): boolean {
  const { best } = book
  if (best === null || best.voucher.maxTicks === 0)
    throw new TickForeignError({ channel: book.id, anchor: best?.voucher.anchor ?? null })
  const { ticks, word } = tick
  const max = Math.min(best.voucher.maxTicks, maxTicks, book.ticks + largestGap)
  if (!Number.isInteger(ticks) || ticks < 1 || ticks > max) throw new TicksTooManyError({ ticks, max })
  if (ticks <= book.ticks) return false
  const worth = voucherWorth(best.voucher, ticks)
  if (worth > book.deposit) throw new DepositTooLowError({ channel: book.id, worth, deposit: book.deposit })
  const bytes = fromHex(word)
  let walked = bytes
  for (let left = ticks - book.ticks; left > 0; left--) walked = hash(walked)
  book.wordBytes ??= fromHex(book.word ?? best.voucher.anchor)
  if (!isSame(walked, book.wordBytes)) throw new TickInvalidError({ ticks, anchor: best.voucher.anchor })
  book.ticks = ticks
  book.word = word
  book.wordBytes = bytes
  book.worth = worth
  return true
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  for (let index = 0; index < 32; index++) if (a[index] !== b[index]) return false
  return true
}

/** The book for its payer. */
export function snapshotOf(book: ChannelBook): ChannelSnapshot {
  const { id, epoch, spent, worth, deposit, claimed, best, ticks, word } = book
  return { channel: id, epoch, spent, worth, deposit, claimed, best, ticks, word }
}

/** A snapshot as it travels in JSON. */
export function snapshotToJson(snapshot: ChannelSnapshot) {
  const { channel, epoch, spent, worth, deposit, claimed, best, ticks, word = null } = snapshot
  return {
    channel,
    epoch: epoch.toString(),
    spent: spent.toString(),
    worth: worth.toString(),
    deposit: deposit.toString(),
    claimed: claimed.toString(),
    best: best === null ? null : { voucher: voucherToJson(best.voucher), signature: best.signature },
    ticks,
    ...(word === null ? {} : { word }),
  }
}
