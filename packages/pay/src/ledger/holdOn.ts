import type { ChannelBook } from './channelBook.ts'
import { snapshotOf } from './channelBook.ts'
import { HoldSpentError, OverchargeError } from './errors.ts'
import type { Hold } from './ledger.ts'
import type { ChannelSnapshot } from './snapshot.ts'

/** What a change of a book makes happen. */
export interface BookChanges {
  /** More is held; it is written with the next flush. */
  grew(book: ChannelBook): void
  /** Something was given back, which others may wait for and no one's answer does. */
  shrank(book: ChannelBook): void
}

/**
 * Makes the hold of `amount` that a book counts as spent already.
 *
 * `held` is a field and no getter: V8 keeps the pair behind a literal's getter among old objects, and with it all that the getter
 * sees of its request, until the next long pause.
 */
export function holdOn(book: ChannelBook, amount: bigint, changes: BookChanges): Hold {
  let isOver = false
  book.holds++

  function capture(charged: bigint): ChannelSnapshot {
    if (isOver) throw new HoldSpentError({ channel: book.id })
    const { held } = hold
    if (charged < 0n || charged > held) throw new OverchargeError({ amount: charged, held })
    isOver = true
    book.holds--
    if (charged === held) return snapshotOf(book)
    book.spent -= held - charged
    hold.held = charged
    changes.shrank(book)
    return snapshotOf(book)
  }

  const hold = {
    payer: book.channel.payer,
    channel: book.id,
    held: amount,
    extend(more: bigint) {
      if (isOver) throw new HoldSpentError({ channel: book.id })
      if (book.spent + more > book.worth) return false
      book.spent += more
      hold.held += more
      changes.grew(book)
      return true
    },
    capture,
    release: () => capture(0n),
  }
  return hold
}
