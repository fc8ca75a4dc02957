import type { Hash } from 'viem'
import { HoldSpentError, OverchargeError } from '../ledger/errors.ts'
import { beginAhead, type HoldAhead, keepOrRelease } from '../ledger/holdAhead.ts'
import { openBooks } from '../ledger/openBooks.ts'
import { PaymentRefusedError } from '../seller/errors.ts'
import {
  type BatchBook,
  type BatchBookEntry,
  type BatchSnapshot,
  backing,
  batchSnapshot,
  readBatchBook,
  writeBatchBook,
} from './batchBook.ts'
import { BatchVoucherTooLowError } from './errors.ts'
import type { BatchPayload } from './payload.ts'
import type { BatchState } from './readBatchChannel.ts'
import { batchReasons } from './reasons.ts'

/** How the books of channels of `batch-settlement` are opened. */
export interface BatchLedgerOptions {
  /** File that holds them; it has one user at a time. */
  readonly path: string
  /** `readBatchChannel`, at the depth at which the seller trusts a deposit. */
  readonly readChannel: (id: Hash) => Promise<BatchState>
  /**
   * For how long the chain's word on a channel is taken, in milliseconds; must be far below the shortest withdraw delay. Default 60 000.
   */
  readonly freshMs?: number
  /** Milliseconds from anywhere. Default: this process's own clock. */
  readonly now?: () => number
}

/** Money of a channel that is held for one call. */
export interface BatchHold {
  readonly held: bigint
  /** The deposit that came with it is on chain: only then can it be charged. */
  deposited(nonce: Hash): Promise<void>
  /** Charges `amount`; on disk when it resolves where the money came with the call. */
  capture(amount: bigint): Promise<BatchSnapshot>
  /** Charges nothing. */
  release(): void
}

/** A refund that is on disk and may be signed. */
export interface RefundPlan {
  readonly book: Readonly<BatchBook>
  readonly nonce: bigint
  readonly amount: bigint
}

/** A payee's books of its channels of `batch-settlement`. */
export interface BatchLedger {
  /**
   * Takes a payment whose signatures were checked, and holds `amount` of it for a call. When it resolves the voucher is on disk, and what
   * is held where its money is in the channel already.
   *
   * @throws PaymentRefusedError with the exact reason; BatchVoucherTooLowError
   */
  hold(payload: BatchPayload, amount: bigint): Promise<BatchHold>
  /**
   * The same ahead of the disk, for work that takes longer than a write: nothing of it is given out before `kept` resolves. Where that
   * rejects nothing may be, and the hold is to be released. Once the disk has refused a write, the next one is waited for here.
   *
   * @throws as `hold`; `kept` rejects with JournalWriteError
   */
  holdAhead(payload: BatchPayload, amount: bigint): Promise<HoldAhead<BatchHold>>
  /**
   * Sets aside what a payer wants back. When it resolves that is on disk: what it comes to counts as gone, whatever becomes of the consent
   * that is signed for it, until the chain shows another refund nonce.
   *
   * @throws PaymentRefusedError with the exact reason
   */
  refund(payload: BatchPayload & { readonly type: 'refund' }): Promise<RefundPlan>
  book(id: Hash): Readonly<BatchBook> | undefined
  books(): readonly Readonly<BatchBook>[]
  /** Reads the channel from the chain. */
  refresh(id: Hash): Promise<void>
  close(): Promise<void>
}

/**
 * Opens the books of a payee's channels of `batch-settlement`. A call is served if what was charged and is held, and its price, is within
 * the best voucher and within what is in the channel: vouchers may come in any order and many at a time, though the packages of
 * x402 send one after the other.
 *
 * @throws JournalCorruptError | JournalWriteError | JournalInUseError
 * @example
 * const ledger = await openBatchLedger({ path: 'batch.jsonl', readChannel: (channel) => readBatchChannel(client, { channel }) })
 */
export async function openBatchLedger(options: BatchLedgerOptions): Promise<BatchLedger> {
  const { readChannel, freshMs = 60_000, now = () => performance.now() } = options
  const books = await openBooks<BatchBook, BatchBookEntry>({
    ...{ path: options.path, read: readBatchBook, write: writeBatchBook },
  })
  /** When the chain was asked about a channel, in milliseconds. */
  const seen = new Map<Hash, number>()
  const isFresh = (id: Hash) => now() - (seen.get(id) ?? Number.NEGATIVE_INFINITY) < freshMs

  function see(book: BatchBook, state: BatchState): void {
    seen.set(book.id, now())
    book.state = state
    if (book.refunding !== null && state.refundNonce > book.refunding.nonce) book.refunding = null
    // What the chain paid out was charged by someone who kept these books before.
    if (book.spent < state.totalClaimed) book.spent = state.totalClaimed
    books.mark(book)
  }

  async function load({ channelConfig: config, voucher }: BatchPayload, price: bigint): Promise<BatchBook> {
    const id = voucher.channelId
    const state = await readChannel(id)
    const known = books.get(id)
    if (known !== undefined) {
      see(known, state)
      return known
    }
    seen.set(id, now())
    const { totalClaimed } = state
    // Of a channel that is not known here the payer's own word is taken for what was charged, where it is more.
    const before = voucher.maxClaimableAmount > price ? voucher.maxClaimableAmount - price : 0n
    // It is kept once a payment on it is taken.
    return {
      ...{ id, config, state, best: null, refunding: null, deposited: null },
      spent: before > totalClaimed ? before : totalClaimed,
      ...{ held: 0n, unbacked: 0n, requests: 0 },
    }
  }

  const refuse = (reason: string, message: string) => new PaymentRefusedError({ reason, message })

  async function begin(payload: BatchPayload, amount: bigint): Promise<HoldAhead<BatchHold>> {
    const { voucher } = payload
    const { channelId: id, maxClaimableAmount: max, signature } = voucher
    const brings = payload.type === 'deposit' ? payload.deposit.amount : 0n
    let book = books.get(id)
    if (book === undefined || !isFresh(id) || max > backing(book) + brings) book = await load(payload, amount)
    // From here to the write nothing else runs in between; another first payment may have come before.
    book = books.get(id) ?? book
    const { state } = book
    if (state.balance === 0n && brings === 0n)
      throw refuse(batchReasons.channel, `Nothing is in channel '${id}'.`)
    if (max > backing(book) + brings)
      throw refuse(
        batchReasons.exceedsBalance,
        `The voucher is of ${max}; the channel holds ${backing(book)} that stay, and ${brings} come with it.`,
      )
    const promised = book.best?.maxClaimableAmount ?? 0n
    const best = max > promised ? max : promised
    const needed = book.spent + book.unbacked + amount
    if (needed <= best && needed > backing(book) + brings)
      throw refuse(
        batchReasons.exceedsBalance,
        `${needed} are needed; the channel holds ${backing(book)} that stay.`,
      )
    if (needed > best)
      throw new BatchVoucherTooLowError({
        ...{ promised: best, needed, snapshot: batchSnapshot(book, { inFlight: true }) },
      })
    if (books.get(id) === undefined) books.set(book)
    if (max > promised) book.best = { maxClaimableAmount: max, signature }
    book.requests++
    if (brings > 0n) book.unbacked += amount
    else {
      book.spent += amount
      book.held += amount
    }
    books.mark(book)
    return { hold: holdOn(book, { amount, isBacked: brings === 0n }), kept: books.flush() }
  }

  function holdOn(book: BatchBook, of: { readonly amount: bigint; readonly isBacked: boolean }): BatchHold {
    const { amount } = of
    let isBacked = of.isBacked
    let nonce: Hash | null = null
    let spent = false
    const end = (charged: bigint) => {
      if (spent) throw new HoldSpentError({ channel: book.id })
      if (charged < 0n || charged > amount) throw new OverchargeError({ amount: charged, held: amount })
      spent = true
      book.requests--
      if (isBacked) {
        book.held -= amount
        book.spent -= amount - charged
      } else book.unbacked -= amount
      books.mark(book)
    }
    return {
      held: amount,
      async deposited(by) {
        nonce = by
        see(book, await readChannel(book.id))
      },
      async capture(charged) {
        if (!isBacked) {
          if (nonce === null || book.spent + charged > backing(book))
            throw refuse(batchReasons.exceedsBalance, `The deposit is not in channel '${book.id}'.`)
          isBacked = true
          book.unbacked -= amount
          book.spent += amount
          book.held += amount
          book.deposited = { nonce, charged }
          end(charged)
          // The answer is given out after this.
          await books.flush()
        } else {
          end(charged)
          // It is charged already as far as the disk is concerned.
          books.flushSoon()
        }
        return batchSnapshot(book, { inFlight: false })
      },
      release() {
        end(0n)
        books.flushSoon()
      },
    }
  }

  async function refund(payload: BatchPayload & { readonly type: 'refund' }): Promise<RefundPlan> {
    const { voucher } = payload
    const id = voucher.channelId
    if (books.get(id) === undefined) throw refuse(batchReasons.missing, `Channel '${id}' is not known here.`)
    const book = await load(payload, 0n)
    const { state, spent } = book
    if (book.requests > 0)
      throw refuse(batchReasons.busy, `${book.requests} calls on channel '${id}' are not answered yet.`)
    if (voucher.maxClaimableAmount !== spent)
      throw new BatchVoucherTooLowError({
        ...{ promised: voucher.maxClaimableAmount, needed: spent },
        snapshot: batchSnapshot(book, { inFlight: true }),
      })
    const rest = state.balance > spent ? state.balance - spent : 0n
    if (rest === 0n) throw refuse(batchReasons.refundNothing, `Nothing is left in channel '${id}'.`)
    const asked = payload.amount === undefined ? rest : amountOf(payload.amount)
    if (asked === null || asked > rest)
      throw refuse(batchReasons.refundAmount, `'${payload.amount}' is not 1 to ${rest} base units.`)
    const before = book.refunding
    // A consent is out for this nonce already: only the very same can be given again.
    const amount = before?.nonce === state.refundNonce ? before.amount : asked
    book.refunding = { nonce: state.refundNonce, amount }
    if (voucher.maxClaimableAmount > (book.best?.maxClaimableAmount ?? 0n))
      book.best = { maxClaimableAmount: voucher.maxClaimableAmount, signature: voucher.signature }
    books.mark(book)
    await books.flush()
    return { book, nonce: state.refundNonce, amount }
  }

  return {
    async hold(payload, amount) {
      const held = await begin(payload, amount)
      await keepOrRelease(held)
      return held.hold
    },
    holdAhead: async (payload, amount) => beginAhead(await begin(payload, amount), books),
    refund,
    book: books.get,
    books: books.all,
    async refresh(id) {
      const book = books.get(id)
      if (book === undefined) return
      see(book, await readChannel(id))
      await books.flush()
    },
    close: books.close,
  }
}

const amountOf = (text: string): bigint | null => (/^[1-9]\d{0,38}$/.test(text) ? BigInt(text) : null)
