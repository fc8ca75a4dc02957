import {
  channelSchema,
  channelToJson,
  hashSchema,
  parse,
  signatureSchema,
  uintSchema,
  voucherSchema,
  voucherToJson,
  voucherWorth,
} from '@millrace/sdk'
import * as z from 'zod'
import { type ChannelBook, neverSeen } from './channelBook.ts'

/** A book as the ledger's file has it. */
const bookEntrySchema = z.object({
  id: hashSchema,
  channel: channelSchema,
  epoch: uintSchema(64),
  deposit: uintSchema(128),
  claimed: uintSchema(128),
  closesAt: z.int().min(0),
  best: z.object({ voucher: voucherSchema, signature: signatureSchema }).nullable(),
  ticks: z.int().min(0),
  word: hashSchema.nullable(),
  spent: uintSchema(128),
  endsBy: z.int().nullable().default(null),
})

/** A book as the ledger's file has it, in JSON. */
export type BookEntry = z.input<typeof bookEntrySchema>

/** Reads a book back. */
export function readBook(entry: BookEntry): ChannelBook {
  const book = parse(bookEntrySchema, entry, 'book')
  const worth = book.best === null ? 0n : voucherWorth(book.best.voucher, book.ticks)
  return { ...book, wordBytes: null, worth, holds: 0, seenAt: neverSeen }
}

/** Writes a book. */
export function writeBook(book: ChannelBook): BookEntry {
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
