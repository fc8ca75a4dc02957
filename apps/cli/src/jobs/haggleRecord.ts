import { existsSync, readFileSync } from 'node:fs'
import {
  type HaggleMessage,
  haggleMessageSchema,
  type PublishedOffer,
  parse,
  publishedOfferSchema,
  publishedOfferToJson,
} from '@millrace/sdk'
import { z } from 'zod'
import { writeFileAtomic } from '../home/writeFileAtomic.ts'
import type { Order } from './order.ts'

/** What proves that a lease's price was agreed on; `verifyHaggledLease` takes it. */
export interface HaggleRecord {
  readonly messages: readonly HaggleMessage[]
  readonly published: PublishedOffer
}

const recordSchema = z.strictObject({
  version: z.literal(1),
  messages: z.array(haggleMessageSchema),
  published: publishedOfferSchema,
})

/** Writes the transcript and the offer into the order's folder, durably. */
export function writeHaggleRecord(order: Pick<Order, 'file'>, { messages, published }: HaggleRecord): void {
  const json = { version: 1, messages, published: publishedOfferToJson(published) }
  writeFileAtomic(order.file('haggle.json'), `${JSON.stringify(json, null, 2)}\n`)
}

/**
 * Reads it again; `null` for a lease at list price.
 *
 * @throws InvalidInputError
 */
export function readHaggleRecord(order: Pick<Order, 'file'>): HaggleRecord | null {
  const path = order.file('haggle.json')
  if (!existsSync(path)) return null
  const { messages, published } = parse(recordSchema, JSON.parse(readFileSync(path, 'utf8')), 'haggle record')
  return { messages, published }
}
