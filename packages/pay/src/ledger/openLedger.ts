import { type SignedVoucher, type Tick, VoucherForeignError, voucherWorth } from '@millrace/sdk'
import type { Hash } from 'viem'
import { openCurve } from '../curve/openCurve.ts'
import { agreeEnd } from './agreeEnd.ts'
import { type ChannelBook, snapshotOf, takeTick, takeVoucher } from './channelBook.ts'
import { createChainView } from './createChainView.ts'
import { createRecognizer } from './createRecognizer.ts'
import { createWaiting } from './createWaiting.ts'
import { type BookEntry, readBook, writeBook } from './entries.ts'
import { ChannelNotOpenError, DepositTooLowError, FundingRefusedError, VoucherTooLowError } from './errors.ts'
import { beginAhead, type HoldAhead, keepOrRelease } from './holdAhead.ts'
import { holdOn } from './holdOn.ts'
import type { Hold, Ledger, LedgerOptions } from './ledger.ts'
import { openBooks } from './openBooks.ts'
import type { ChannelPayment, ChannelTick } from './payment.ts'

type Funding = NonNullable<ChannelPayment['funding']>

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
  const { payee, readChannel, leastFunding = 1n } = options
  const curve = await openCurve()
  const recognizer = createRecognizer(curve, options)
  const books = await openBooks<ChannelBook, BookEntry>({
    ...{ path: options.path, read: readBook, write: writeBook },
  })
  const { flush } = books
  const view = createChainView(books, options)
  const { isFresh, load, requireServed, requireNotEnding } = view
  const waiting = createWaiting()

  function changed(book: ChannelBook): void {
    books.mark(book)
    waiting.wake(book.id)
  }

  /** Sends an authorization where the payment needs it and it brings enough to be worth a transaction. */
  async function fund(id: Hash, { channel, voucher, tick }: ChannelPayment, funding: Funding): Promise<void> {
    const { amount } = funding
    if (options.fund === undefined) throw new FundingRefusedError({ channel: id, amount, least: null })
    if (amount < leastFunding) throw new FundingRefusedError({ channel: id, amount, least: leastFunding })
    const known = books.get(id)
    const worth = voucherWorth(voucher, tick?.ticks ?? 0)
    const isOpen = known !== undefined && known.epoch === voucher.epoch && isFresh(known)
    if (isOpen && worth <= known.deposit) return
    const { state, deposit, epoch } = await readChannel(id)
    if (state === 'open' && epoch === voucher.epoch && worth <= deposit) return
    await options.fund(channel, funding)
    await load(id, channel)
  }

  async function take(payment: ChannelPayment): Promise<ChannelBook> {
    const { channel, voucher, tick, funding } = payment
    const own = recognizer.recognize(channel, voucher.channel)
    const { id } = own
    if (voucher.channel === id && !isBest(books.get(id), payment)) recognizer.requireSigned(own, payment)
    if (funding !== undefined) await fund(id, payment, funding)
    let book = books.get(id)
    if (book === undefined || !isFresh(book) || book.epoch !== voucher.epoch) book = await load(id, channel)
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
    const { signature } = payment
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
    if (!isFresh(book)) book = await load(id, book.channel)
    await requireServed(book)
    if (book.best?.voucher.anchor !== anchor) return book
    if (voucherWorth(book.best.voucher, tick.ticks) > book.deposit) book = await load(id, book.channel)
    const { best } = book
    if (best?.voucher.anchor !== anchor) return book
    if (takeTick(book, tick, curve.keccak256)) changed(book)
    return book
  }

  const takeEither = (payment: ChannelPayment | ChannelTick) =>
    'voucher' in payment ? take(payment) : takeKnown(payment)

  const changes = {
    grew: books.mark,
    shrank(book: ChannelBook) {
      changed(book)
      // It is charged already as far as the disk is concerned; what is given back can wait for others' writes.
      books.flushSoon()
    },
  }

  /** Holds `amount` of what a book promises; both are on disk when `kept` resolves. */
  async function holdOf(book: ChannelBook, amount: bigint): Promise<HoldAhead<Hold>> {
    requireNotEnding(book)
    const needed = book.spent + amount
    if (needed > book.worth) {
      await flush()
      const { id, worth } = book
      throw new VoucherTooLowError({ channel: id, worth, needed, snapshot: snapshotOf(book) })
    }
    book.spent = needed
    books.mark(book)
    return { hold: holdOn(book, amount, changes), kept: flush() }
  }

  return {
    payee,
    funds: options.fund !== undefined,
    leastFunding,
    book: books.get,
    async accept(payment) {
      const book = await takeEither(payment)
      await flush()
      return snapshotOf(book)
    },
    async hold(payment, amount) {
      const held = await holdOf(await takeEither(payment), amount)
      await keepOrRelease(held)
      return held.hold
    },
    async holdAhead(payment, amount) {
      return beginAhead(await holdOf(await takeEither(payment), amount), books)
    },
    tick(id: Hash, tick: Tick) {
      const book = books.get(id)
      if (book === undefined || book.closesAt !== 0 || !isFresh(book))
        throw new ChannelNotOpenError({ channel: id, state: book?.closesAt ? 'closing' : 'unknown' })
      requireNotEnding(book)
      if (takeTick(book, tick, curve.keccak256)) changed(book)
      return book.worth
    },
    waitForWorth: (id, worth, ms) => waiting.until(id, () => (books.get(id)?.worth ?? 0n) >= worth, ms),
    books: books.all,
    ends: options.readChannelAt !== undefined,
    end: (request) => agreeEnd(request, { ...options, books, recognizer, view }),
    async refresh(id) {
      const book = books.get(id)
      if (book === undefined) return
      await view.refresh(book)
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
