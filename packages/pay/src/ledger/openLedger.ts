import {
  type Channel,
  type ChannelState,
  type ChannelsDomain,
  channelToJson,
  hashChannel,
  type SignedVoucher,
  type Tick,
  VoucherForeignError,
  voucherToJson,
  voucherWorth,
} from '@millrace/sdk'
import { type Address, type Hash, isAddressEqual, zeroAddress } from 'viem'
import { openCurve } from '../curve/openCurve.ts'
import { type ChannelBook, newBook, snapshotOf, takeTick, takeVoucher } from './channelBook.ts'
import { type ChannelAt, type CloseRequest, closeTerms } from './closing.ts'
import { createVoucherHasher } from './createVoucherHasher.ts'
import { type BookEntry, readBook } from './entries.ts'
import {
  ChannelBusyError,
  ChannelEndingError,
  ChannelForeignError,
  ChannelNotOpenError,
  CloseRequestInvalidError,
  CloseSumError,
  CloseUnsupportedError,
  DepositTooLowError,
  FundingRefusedError,
  HoldSpentError,
  OverchargeError,
  VoucherSignatureError,
  VoucherTooLowError,
} from './errors.ts'
import { openBooks } from './openBooks.ts'
import type { ChannelPayment, ChannelTick } from './payment.ts'
import type { ChannelSnapshot } from './snapshot.ts'

/** Who is paid on the channels of a ledger: an account, or an asset's till. */
export type Payee = { readonly account: Address } | { readonly asset: bigint }

/** What a ledger asks of the chain. `getChannel` of the SDK, at the depth at which the seller trusts a deposit. */
export type ReadChannel = (id: Hash) => Promise<ChannelState>

/** How a ledger is opened. */
export interface LedgerOptions extends ChannelsDomain {
  /** File that holds it; it has one user at a time. */
  readonly path: string
  readonly payee: Payee
  readonly currency: Address
  readonly readChannel: ReadChannel
  /** Sends an authorization that opens or tops up a channel, and waits until the chain shows it. Without it payers fund channels themselves. */
  readonly fund?: (channel: Channel, funding: NonNullable<ChannelPayment['funding']>) => Promise<void>
  /** Least that an authorization must bring to be sent, in base units: a transaction costs gas. Default 1. */
  readonly leastFunding?: bigint
  /** Shortest close delay that is taken, in seconds. Default 900. */
  readonly leastCloseDelay?: number
  /**
   * For how long the chain's word on a channel is taken, in milliseconds; then it is asked again before more is served. Must be far
   * below the shortest close delay: who asks for the end in between is served no longer than this. Default 60 000.
   */
  readonly freshMs?: number
  /**
   * Reads a channel and the time of the block that shows it, at the depth at which the seller trusts a close: `readChannelAt`. Without it
   * no ends of channels are agreed.
   */
  readonly readChannelAt?: (id: Hash) => Promise<ChannelAt>
  /** Furthest that the deadline of an agreed end may be away, in seconds; must be far below the shortest close delay. Default 300. */
  readonly longestEnding?: number
  /** Milliseconds from anywhere. Default: this process's own clock. */
  readonly now?: () => number
}

type Funding = NonNullable<ChannelPayment['funding']>

/** Money of a channel that is held for one request. */
export interface Hold {
  readonly payer: Address
  readonly channel: Hash
  /** Most that can be captured. */
  readonly held: bigint
  /** Holds `amount` more, out of what is promised beyond. `false` if that is not enough. */
  extend(amount: bigint): boolean
  /** Charges `amount`; the rest is free for further requests. */
  capture(amount: bigint): ChannelSnapshot
  /** Charges nothing. */
  release(): ChannelSnapshot
}

/** What a payee may sign now. */
export interface AgreedEnd {
  readonly channel: Hash
  readonly epoch: bigint
  readonly claimed: bigint
  readonly deadline: number
}

/** A payee's books of all its channels. */
export interface Ledger {
  readonly payee: Payee
  /** Whether it sends authorizations that fund channels, and what they must bring. */
  readonly funds: boolean
  readonly leastFunding: bigint
  /**
   * Takes what a payment promises. Resolves when it is on disk.
   *
   * @throws ChannelForeignError | ChannelNotOpenError | VoucherForeignError | VoucherSignatureError | DepositTooLowError |
   * TickForeignError | TickInvalidError | TicksTooManyError | JournalWriteError
   */
  accept(payment: ChannelPayment | ChannelTick): Promise<ChannelSnapshot>
  /**
   * Takes a payment and holds `amount` of it for a request. Resolves when both are on disk: nothing is served before.
   *
   * @throws VoucherTooLowError and what `accept` throws
   */
  hold(payment: ChannelPayment | ChannelTick, amount: bigint): Promise<Hold>
  /**
   * Takes a tick of the voucher that counts, in about the time of one hash. It is on disk after the next `flush`; what a crash
   * takes before that is what was served since.
   *
   * @returns What the channel promises now.
   * @throws ChannelNotOpenError | TickForeignError | TickInvalidError | TicksTooManyError | DepositTooLowError
   */
  tick(channel: Hash, tick: Tick): bigint
  /** Whether ends of channels can be agreed. */
  readonly ends: boolean
  /**
   * Agrees to the end of a channel at exactly what was charged: when it resolves, that is on disk, and nothing is served on this life of
   * the channel until the chain shows that the end was not used by its deadline. Asked again with the same, it agrees again.
   *
   * @throws CloseUnsupportedError | CloseRequestInvalidError | ChannelBusyError | CloseSumError | ChannelForeignError |
   * ChannelNotOpenError | VoucherForeignError | VoucherSignatureError | JournalWriteError
   */
  end(request: CloseRequest): Promise<AgreedEnd>
  /** Resolves once the channel promises `worth`, or with `false` after `ms` without. */
  waitForWorth(channel: Hash, worth: bigint, ms: number): Promise<boolean>
  /** The book of a channel, if it has one. */
  book(channel: Hash): Readonly<ChannelBook> | undefined
  /** Books with something promised, as they are now. */
  books(): readonly Readonly<ChannelBook>[]
  /** Reads the channel's deposit, claims and close from the chain. */
  refresh(channel: Hash): Promise<void>
  /** Waits for what was taken to be on disk. */
  flush(): Promise<void>
  close(): Promise<void>
}

/** Unix seconds. */
const clock = () => Math.floor(Date.now() / 1000)

/**
 * Opens the books of a payee's channels. Every voucher is on disk before its request is served; vouchers that arrive together
 * share one write. After a crash the books stand where they stood: what was held for requests in flight counts as charged,
 * since nobody knows how much of it was served.
 *
 * Many requests can be in flight on one channel: the payer signs growing sums in the order in which it sends, they arrive in
 * any order, and a request is served if all that was charged and held, and its price, is within the best promise.
 *
 * @throws JournalCorruptError | JournalWriteError
 * @example
 * const ledger = await openLedger({ path: 'ledger.jsonl', ...deployment, payee: { asset: 7n }, currency, readChannel })
 */
export async function openLedger(options: LedgerOptions): Promise<Ledger> {
  const { payee, currency, readChannel, leastCloseDelay = 900, leastFunding = 1n } = options
  const { freshMs = 60_000, longestEnding = 300, now = () => performance.now() } = options
  const curve = await openCurve()
  const hashOf = createVoucherHasher(curve, options)
  const books = await openBooks<ChannelBook, BookEntry>({
    ...{ path: options.path, read: readBook, write: entryOf },
  })
  const { mark, flush, flushSoon } = books
  /** When the chain was asked about a channel, in milliseconds: what happened since is not known. */
  const seen = new Map<Hash, number>()
  const isFresh = (id: Hash) => now() - (seen.get(id) ?? Number.NEGATIVE_INFINITY) < freshMs
  const loading = new Map<Hash, Promise<ChannelBook>>()
  const waiting = new Map<Hash, Set<() => void>>()

  function changed(book: ChannelBook): void {
    mark(book)
    const listeners = waiting.get(book.id)
    if (listeners !== undefined) for (const wake of listeners) wake()
  }

  // ---- channels

  function requireOurs(id: Hash, channel: Channel): void {
    const account = 'account' in payee ? payee.account : zeroAddress
    const asset = 'asset' in payee ? payee.asset : 0n
    const foreign = (field: string, value: unknown, wanted: unknown) =>
      new ChannelForeignError({ channel: id, field, value, wanted })
    if (!isAddressEqual(channel.payee, account)) throw foreign('payee', channel.payee, account)
    if (channel.asset !== asset) throw foreign('asset', channel.asset, asset)
    if (!isAddressEqual(channel.currency, currency)) throw foreign('currency', channel.currency, currency)
    if (channel.closeDelay < leastCloseDelay)
      throw foreign('closeDelay', channel.closeDelay, `${leastCloseDelay} or more`)
  }

  /** Brings a book up to what the chain says; a new epoch is a new book. */
  function see(channel: Channel, state: ChannelState): ChannelBook {
    const { id } = state
    seen.set(id, now())
    const known = books.get(id)
    if (known !== undefined && known.epoch === state.epoch) {
      known.deposit = state.deposit
      known.closesAt = state.closesAt
      if (state.claimed > known.claimed) {
        known.claimed = state.claimed
        if (known.spent < state.claimed) known.spent = state.claimed
        mark(known)
      }
      return known
    }
    const book = newBook(channel, state)
    books.set(book)
    return book
  }

  /** Channels that were looked for and are not open: the same question comes again soon. */
  async function load(id: Hash, channel: Channel): Promise<ChannelBook> {
    const under = loading.get(id)
    if (under !== undefined) return under
    const work = readChannel(id).then((state) => {
      if (state.state !== 'open') throw new ChannelNotOpenError({ channel: id, state: state.state })
      return see(channel, state)
    })
    loading.set(id, work)
    const done = () => loading.delete(id)
    work.then(done, done)
    return work
  }

  /** Ids are hashes of seven fields: remembered by the object's content, since every payment names its channel whole. */
  const ids = new Map<string, Hash>()
  function idOf(channel: Channel): Hash {
    const { payer, signer, payee: to, asset, currency: token, closeDelay, salt } = channel
    const key = `${payer}${signer}${to}${asset}${token}${closeDelay}${salt}`
    const known = ids.get(key)
    if (known !== undefined) return known
    const id = hashChannel(channel, options)
    if (ids.size > 100_000) ids.clear()
    ids.set(key, id)
    return id
  }

  /** Nothing is served on a channel that ends. */
  async function requireServed(book: ChannelBook): Promise<void> {
    const { id } = book
    if (book.closesAt !== 0) throw new ChannelNotOpenError({ channel: id, state: 'closing' })
    if (book.endsBy !== null) await lapse(book)
    requireNotEnding(book)
  }

  function requireNotEnding({ id, endsBy }: ChannelBook): void {
    if (endsBy !== null) throw new ChannelEndingError({ channel: id, deadline: endsBy })
  }

  /** An end that was not used by its deadline is off: a block after it shows the same life of the channel. */
  async function lapse(book: ChannelBook): Promise<void> {
    const { id, channel, endsBy } = book
    const shown = await options.readChannelAt?.(id)
    if (shown === undefined || endsBy === null || shown.time <= endsBy) return
    const { state } = shown
    if (state.epoch !== book.epoch || state.state === 'none')
      throw new ChannelNotOpenError({ channel: id, state: 'closed' })
    see(channel, state)
    // A later end may have been agreed meanwhile.
    if (book.endsBy === endsBy) {
      book.endsBy = null
      mark(book)
    }
  }

  async function end(request: CloseRequest): Promise<AgreedEnd> {
    const { channel, voucher, signature, until } = request
    if (options.readChannelAt === undefined) throw new CloseUnsupportedError()
    const id = idOf(channel)
    requireOurs(id, channel)
    const wrong = (field: string, value: unknown, wanted: unknown) =>
      new CloseRequestInvalidError({ channel: id, field, value, wanted })
    if (voucher.maxTicks !== 0) throw wrong('maxTicks', voucher.maxTicks, 0)
    const terms = closeTerms(until)
    if (voucher.terms !== terms) throw wrong('terms', voucher.terms, terms)
    if (curve.recover(hashOf(voucher), signature) !== channel.signer.toLowerCase())
      throw new VoucherSignatureError({ channel: id, signer: channel.signer })
    const { time } = await options.readChannelAt(id)
    // A chain on which nothing happens shows an old block, whatever the time is.
    const latest = Math.max(time, clock()) + longestEnding
    if (until <= time || until > latest) throw wrong('until', until, `${time + 1} to ${latest}`)
    const book = await load(id, channel)
    if (voucher.channel !== id || voucher.epoch !== book.epoch) {
      const { channel: named, epoch } = voucher
      throw new VoucherForeignError({
        ...{ channel: named, epoch, wantedChannel: id, wantedEpoch: book.epoch },
      })
    }
    const { spent, holds, endsBy } = book
    if (holds > 0) throw new ChannelBusyError({ channel: id, requests: holds })
    const asked = voucher.cumulative
    if (asked !== spent) throw new CloseSumError({ channel: id, asked, spent, snapshot: snapshotOf(book) })
    // From here on nothing is held on it any more; what is signed, is signed only once this is on disk.
    if (endsBy === null || endsBy < until) book.endsBy = until
    mark(book)
    await flush()
    return { channel: id, epoch: book.epoch, claimed: spent, deadline: until }
  }

  /** Sends an authorization where the payment needs it and it brings enough to be worth a transaction. */
  async function fund(id: Hash, { channel, voucher, tick }: ChannelPayment, funding: Funding): Promise<void> {
    const { amount } = funding
    if (options.fund === undefined) throw new FundingRefusedError({ channel: id, amount, least: null })
    if (amount < leastFunding) throw new FundingRefusedError({ channel: id, amount, least: leastFunding })
    const known = books.get(id)
    const worth = voucherWorth(voucher, tick?.ticks ?? 0)
    const isOpen = known !== undefined && known.epoch === voucher.epoch && isFresh(id)
    if (isOpen && worth <= known.deposit) return
    const { state, deposit, epoch } = await readChannel(id)
    if (state === 'open' && epoch === voucher.epoch && worth <= deposit) return
    await options.fund(channel, funding)
    await load(id, channel)
  }

  async function take(payment: ChannelPayment): Promise<ChannelBook> {
    const { channel, voucher, signature, tick, funding } = payment
    const id = idOf(channel)
    requireOurs(id, channel)
    if (voucher.channel === id && !isBest(books.get(id), { voucher, signature })) {
      const signer = curve.recover(hashOf(voucher), signature)
      if (signer !== channel.signer.toLowerCase())
        throw new VoucherSignatureError({ channel: id, signer: channel.signer })
    }
    if (funding !== undefined) await fund(id, payment, funding)
    let book = books.get(id)
    if (book === undefined || !isFresh(id) || book.epoch !== voucher.epoch) book = await load(id, channel)
    if (voucher.channel !== id || voucher.epoch !== book.epoch) {
      throw new VoucherForeignError({
        channel: voucher.channel,
        epoch: voucher.epoch,
        wantedChannel: id,
        wantedEpoch: book.epoch,
      })
    }
    await requireServed(book)
    let worth = promiseOf(book, payment)
    if (worth > book.deposit) {
      // It may have been topped up since.
      book = await load(id, channel)
      worth = promiseOf(book, payment)
      if (worth > book.deposit) throw new DepositTooLowError({ channel: id, worth, deposit: book.deposit })
    }
    // From here to the write nothing else runs in between.
    const grown = takeVoucher(book, { voucher, signature })
    const ticked = tick === undefined ? false : takeTickOf(book, payment)
    if (grown || ticked) changed(book)
    return book
  }

  function takeTickOf(book: ChannelBook, { voucher, tick }: ChannelPayment): boolean {
    // An older chain than the one that counts: all its ticks are in the newer voucher's sum.
    if (tick === undefined || book.best?.voucher.anchor !== voucher.anchor) return false
    return takeTick(book, tick, curve.keccak256)
  }

  /** Takes a tick of a voucher that came before. One of another chain than the one that counts is in the newer voucher's sum already. */
  async function takeKnown({ channel: id, anchor, tick }: ChannelTick): Promise<ChannelBook> {
    let book = books.get(id)
    if (book === undefined) throw new ChannelNotOpenError({ channel: id, state: 'unknown' })
    if (!isFresh(id)) book = await load(id, book.channel)
    await requireServed(book)
    if (book.best?.voucher.anchor !== anchor) return book
    if (voucherWorth(book.best.voucher, tick.ticks) > book.deposit) book = await load(id, book.channel)
    const { best, deposit } = book
    if (best?.voucher.anchor !== anchor) return book
    const worth = voucherWorth(best.voucher, tick.ticks)
    if (worth > deposit) throw new DepositTooLowError({ channel: id, worth, deposit })
    if (takeTick(book, tick, curve.keccak256)) changed(book)
    return book
  }

  /** Holds `amount` of what a book promises; both are on disk when it resolves. */
  async function holdOf(book: ChannelBook, amount: bigint): Promise<Hold> {
    requireNotEnding(book)
    const needed = book.spent + amount
    if (needed > book.worth) {
      await flush()
      const { id, worth } = book
      throw new VoucherTooLowError({ channel: id, worth, needed, snapshot: snapshotOf(book) })
    }
    book.spent = needed
    mark(book)
    const hold = holdOn(book, amount)
    try {
      await flush()
    } catch (error) {
      hold.release()
      throw error
    }
    return hold
  }

  const takeEither = (payment: ChannelPayment | ChannelTick) =>
    'voucher' in payment ? take(payment) : takeKnown(payment)

  function holdOn(book: ChannelBook, amount: bigint): Hold {
    let held = amount
    let spent = false
    book.holds++
    const end = (charged: bigint): ChannelSnapshot => {
      if (spent) throw new HoldSpentError({ channel: book.id })
      if (charged < 0n || charged > held) throw new OverchargeError({ amount: charged, held })
      spent = true
      book.holds--
      if (charged === held) return snapshotOf(book)
      book.spent -= held - charged
      held = charged
      changed(book)
      // It is charged already as far as the disk is concerned; what is given back can wait for others' writes.
      flushSoon()
      return snapshotOf(book)
    }
    return {
      payer: book.channel.payer,
      channel: book.id,
      get held() {
        return held
      },
      extend(more) {
        if (spent) throw new HoldSpentError({ channel: book.id })
        if (book.spent + more > book.worth) return false
        book.spent += more
        held += more
        mark(book)
        return true
      },
      capture: end,
      release: () => end(0n),
    }
  }

  return {
    payee,
    funds: options.fund !== undefined,
    leastFunding,
    book: (id) => books.get(id),
    async accept(payment) {
      const book = await takeEither(payment)
      await flush()
      return snapshotOf(book)
    },
    hold: async (payment, amount) => holdOf(await takeEither(payment), amount),
    tick(id, tick) {
      const book = books.get(id)
      if (book === undefined || book.closesAt !== 0 || !isFresh(id))
        throw new ChannelNotOpenError({ channel: id, state: book?.closesAt ? 'closing' : 'unknown' })
      requireNotEnding(book)
      const worth = book.best === null ? 0n : voucherWorth(book.best.voucher, tick.ticks)
      if (worth > book.deposit) throw new DepositTooLowError({ channel: id, worth, deposit: book.deposit })
      if (takeTick(book, tick, curve.keccak256)) changed(book)
      return book.worth
    },
    waitForWorth(channel, worth, ms) {
      const enough = () => (books.get(channel)?.worth ?? 0n) >= worth
      if (enough()) return Promise.resolve(true)
      return new Promise((resolve) => {
        const listeners = waiting.get(channel) ?? new Set()
        waiting.set(channel, listeners)
        const end = (result: boolean) => {
          clearTimeout(timer)
          listeners.delete(look)
          if (listeners.size === 0 && waiting.get(channel) === listeners) waiting.delete(channel)
          resolve(result)
        }
        const look = () => {
          if (enough()) end(true)
        }
        const timer = setTimeout(() => end(false), ms)
        listeners.add(look)
      })
    },
    books: books.all,
    ends: options.readChannelAt !== undefined,
    end,
    async refresh(id) {
      const book = books.get(id)
      if (book === undefined) return
      if (book.endsBy !== null) await lapse(book).catch(() => {})
      const state = await readChannel(id)
      if (state.epoch === book.epoch && state.state !== 'none') see(book.channel, state)
      // Closed: what could be claimed of this life was, and its vouchers are worth nothing in the next.
      else {
        books.delete(book)
        seen.delete(id)
        if (state.state === 'open') see(book.channel, state)
      }
      await flush()
    },
    flush,
    close: books.close,
  }
}

/** Whether a voucher is the one that counts, whose signature was checked when it came. */
function isBest(book: ChannelBook | undefined, { voucher, signature }: SignedVoucher): boolean {
  if (book === undefined || book.best === null || book.best.signature !== signature) return false
  const { epoch, cumulative, anchor, tickPrice, maxTicks, terms } = book.best.voucher
  return (
    voucher.epoch === epoch &&
    voucher.cumulative === cumulative &&
    voucher.anchor === anchor &&
    voucher.tickPrice === tickPrice &&
    voucher.maxTicks === maxTicks &&
    voucher.terms === terms
  )
}

/** What a payment would make the book worth: a word pays on every voucher that names its chain, the best one too. */
function promiseOf({ best }: ChannelBook, { voucher, tick }: ChannelPayment): bigint {
  const ticks = tick?.ticks ?? 0
  const own = voucherWorth(voucher, ticks)
  const onBest = best?.voucher.anchor === voucher.anchor ? voucherWorth(best.voucher, ticks) : 0n
  return own > onBest ? own : onBest
}

function entryOf(book: ChannelBook): BookEntry {
  const { channel, epoch, deposit, claimed, closesAt, best, ticks, word, spent, endsBy } = book
  return {
    channel: channelToJson(channel),
    id: book.id,
    epoch: epoch.toString(),
    deposit: deposit.toString(),
    claimed: claimed.toString(),
    closesAt,
    best: best === null ? null : { voucher: voucherToJson(best.voucher), signature: best.signature },
    ticks,
    word,
    spent: spent.toString(),
    endsBy,
  }
}
