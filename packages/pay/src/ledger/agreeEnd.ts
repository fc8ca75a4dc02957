import { VoucherForeignError } from '@millrace/sdk'
import { type ChannelBook, snapshotOf } from './channelBook.ts'
import { type CloseRequest, closeTerms } from './closing.ts'
import type { ChainView } from './createChainView.ts'
import type { Recognizer } from './createRecognizer.ts'
import { ChannelBusyError, CloseRequestInvalidError, CloseSumError, CloseUnsupportedError } from './errors.ts'
import type { AgreedEnd, LedgerOptions } from './ledger.ts'
import type { Books } from './openBooks.ts'

/** What agreeing to an end needs. */
export interface EndParts extends Pick<LedgerOptions, 'readChannelAt' | 'longestEnding'> {
  readonly books: Books<ChannelBook>
  readonly recognizer: Recognizer
  readonly view: ChainView
}

/** Unix seconds. */
const clock = () => Math.floor(Date.now() / 1000)

/** As `Ledger.end`. */
export async function agreeEnd(request: CloseRequest, parts: EndParts): Promise<AgreedEnd> {
  const { channel, voucher, until } = request
  const { books, recognizer, view, readChannelAt, longestEnding = 300 } = parts
  if (readChannelAt === undefined) throw new CloseUnsupportedError()
  const own = recognizer.recognize(channel, voucher.channel)
  const { id } = own
  const wrong = (field: string, value: unknown, wanted: unknown) =>
    new CloseRequestInvalidError({ channel: id, field, value, wanted })
  if (voucher.maxTicks !== 0) throw wrong('maxTicks', voucher.maxTicks, 0)
  const terms = closeTerms(until)
  if (voucher.terms !== terms) throw wrong('terms', voucher.terms, terms)
  recognizer.requireSigned(own, request)
  const { time } = await readChannelAt(id)
  // A chain on which nothing happens shows an old block, whatever the time is.
  const latest = Math.max(time, clock()) + longestEnding
  if (until <= time || until > latest) throw wrong('until', until, `${time + 1} to ${latest}`)
  const book = await view.load(id, channel)
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
  books.mark(book)
  await books.flush()
  return { channel: id, epoch: book.epoch, claimed: spent, deadline: until }
}
