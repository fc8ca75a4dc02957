import type { Channel, ChannelState } from '@millrace/sdk'
import type { Hash } from 'viem'
import { type ChannelBook, newBook } from './channelBook.ts'
import { ChannelEndingError, ChannelNotOpenError } from './errors.ts'
import type { LedgerOptions } from './ledger.ts'
import type { Books } from './openBooks.ts'

/** What the chain says of the channels in the books, and for how long that is taken. */
export interface ChainView {
  isFresh(book: ChannelBook): boolean
  /** Asks the chain, and makes the book of a channel that has none. Throws ChannelNotOpenError. */
  load(id: Hash, channel: Channel): Promise<ChannelBook>
  /** Throws ChannelNotOpenError | ChannelEndingError: nothing is served on a channel that ends. */
  requireServed(book: ChannelBook): Promise<void>
  /** The part of it that needs no chain. */
  requireNotEnding(book: ChannelBook): void
  /** Brings a book up to what the chain says, or gives it up where its life is over. */
  refresh(book: ChannelBook): Promise<void>
}

/** Makes the view of the chain that a ledger has. */
export function createChainView(
  books: Books<ChannelBook>,
  options: Pick<LedgerOptions, 'readChannel' | 'readChannelAt' | 'freshMs' | 'now'>,
): ChainView {
  const { readChannel, readChannelAt, freshMs = 60_000, now = () => performance.now() } = options
  const loading = new Map<Hash, Promise<ChannelBook>>()

  /** Brings a book up to what the chain says; a new epoch is a new book. */
  function see(channel: Channel, state: ChannelState): ChannelBook {
    const known = books.get(state.id)
    if (known !== undefined && known.epoch === state.epoch) {
      known.seenAt = now()
      known.deposit = state.deposit
      known.closesAt = state.closesAt
      if (state.claimed > known.claimed) {
        known.claimed = state.claimed
        if (known.spent < state.claimed) known.spent = state.claimed
        books.mark(known)
      }
      return known
    }
    const book = newBook(channel, state)
    book.seenAt = now()
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

  function requireNotEnding({ id, endsBy }: ChannelBook): void {
    if (endsBy !== null) throw new ChannelEndingError({ channel: id, deadline: endsBy })
  }

  /** An end that was not used by its deadline is off: a block after it shows the same life of the channel. */
  async function lapse(book: ChannelBook): Promise<void> {
    const { id, channel, endsBy } = book
    const shown = await readChannelAt?.(id)
    if (shown === undefined || endsBy === null || shown.time <= endsBy) return
    const { state } = shown
    if (state.epoch !== book.epoch || state.state === 'none')
      throw new ChannelNotOpenError({ channel: id, state: 'closed' })
    see(channel, state)
    // A later end may have been agreed meanwhile.
    if (book.endsBy === endsBy) {
      book.endsBy = null
      books.mark(book)
    }
  }

  return {
    isFresh: ({ seenAt }) => now() - seenAt < freshMs,
    load,
    requireNotEnding,
    async requireServed(book) {
      if (book.closesAt !== 0) throw new ChannelNotOpenError({ channel: book.id, state: 'closing' })
      if (book.endsBy !== null) await lapse(book)
      requireNotEnding(book)
    },
    async refresh(book) {
      const { id } = book
      if (book.endsBy !== null) await lapse(book).catch(() => {})
      const state = await readChannel(id)
      if (state.epoch === book.epoch && state.state !== 'none') see(book.channel, state)
      // Closed: what could be claimed of this life was, and its vouchers are worth nothing in the next.
      else {
        books.delete(book)
        if (state.state === 'open') see(book.channel, state)
      }
    },
  }
}
