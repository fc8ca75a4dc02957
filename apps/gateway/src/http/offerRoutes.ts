import type { OpenAPIHono } from '@hono/zod-openapi'
import { z } from '@hono/zod-openapi'
import { parseOrder, parseQuery, signatureSchema, uint40Schema } from '@millrace/sdk'
import type { Context } from 'hono'
import type { Listing, OfferBook } from '../offers/OfferBook.ts'
import { readCursor, writeCursor } from './cursor.ts'
import { SearchLoading } from './errors.ts'
import type { Metrics } from './metrics.ts'
import { mount } from './mount.ts'
import { errorBody } from './toFault.ts'
import * as wire from './wire.ts'

/** What the routes of offers are made with. */
export interface OfferRoutesOptions {
  readonly book: OfferBook
  readonly metrics: Metrics
  readonly timeoutMs: number
  /** Offers read so far, until all are. */
  readonly loading: () => number | undefined
  /** Takes the price of a large request from its client's allowance. */
  readonly charge: (c: Context, cost: number) => void
}

const MOST_OFFERS = 1_000
/** A thousand of the largest offers that make sense: 64 GPUs each. */
const MOST_BYTES = 8 * 1024 * 1024
/** Offers that cost as much as one plain request. */
const OFFERS_A_TOKEN = 10
const MOST_RESULTS = 200

const limit = (most: number, usual: number) =>
  z.coerce
    .number()
    .int()
    .min(1)
    .max(most)
    .default(usual)
    .openapi({ description: `At most ${most}` })

/** Adds the routes of offers. */
export function offerRoutes(app: OpenAPIHono, options: OfferRoutesOptions): void {
  const { book, metrics, timeoutMs, loading, charge } = options

  mount(
    app,
    {
      method: 'post',
      path: '/v1/offers',
      summary: 'Publishes signed offers; each is taken or refused by itself.',
      body: {
        schema: z.strictObject({ offers: z.array(z.unknown()).min(1).max(MOST_OFFERS) }),
        wire: z.object({ offers: z.array(wire.publishedOffer).min(1).max(MOST_OFFERS) }),
        maxBytes: MOST_BYTES,
      },
      answer: z.object({
        accepted: z.array(wire.hash),
        rejected: z.array(z.object({ index: z.int(), code: z.string(), message: z.string() })),
      }),
      handle: async ({ body, c }) => {
        charge(c, Math.floor(body.offers.length / OFFERS_A_TOKEN))
        const { accepted, rejected } = await book.publish(body.offers)
        metrics.offersPublished.inc(accepted.length)
        for (const { error } of rejected) metrics.offersRejected.inc({ code: error.code })
        return c.json({
          accepted,
          rejected: rejected.map(({ index, error }) => ({ index, ...errorBody(error).error })),
        })
      },
    },
    timeoutMs,
  )

  mount(
    app,
    {
      method: 'get',
      path: '/v1/offers',
      summary: 'Searches live offers.',
      query: z.object({
        q: z
          .string()
          .max(2_000)
          .default('')
          .openapi({ description: 'Query language', example: 'gpu_name=H100 price<2.5' }),
        order: z.string().max(200).default('').openapi({ example: 'price,num_gpus-' }),
        limit: limit(MOST_RESULTS, 20),
        cursor: z.string().max(2_000).optional(),
        buyer: wire.read.address.optional(),
      }),
      answer: z.object({ offers: z.array(wire.listing), next: z.string().nullable() }),
      handle: async ({ query, c }) => {
        const loaded = loading()
        if (loaded !== undefined) throw new SearchLoading(loaded)
        const { offers, next } = await book.search({
          query: parseQuery(query.q),
          order: parseOrder(query.order),
          limit: query.limit,
          ...(query.cursor === undefined ? {} : { after: readCursor(query.cursor, query.order) }),
          ...(query.buyer === undefined ? {} : { buyer: query.buyer }),
        })
        const cursor = next === undefined ? null : writeCursor(next, query.order)
        return text(c, `{"offers":[${offers.map(listingJson).join(',')}],"next":${JSON.stringify(cursor)}}`)
      },
    },
    timeoutMs,
  )

  mount(
    app,
    {
      method: 'get',
      path: '/v1/offers/changes',
      summary:
        'What was published, withdrawn, opened, cancelled or voided after a sequence number, for peers.',
      query: z.object({
        since: z.coerce.number().int().min(0).max(Number.MAX_SAFE_INTEGER).default(0),
        limit: limit(MOST_OFFERS, MOST_OFFERS),
      }),
      answer: z.object({
        changes: z.array(
          z.object({
            seq: z.int(),
            id: wire.hash,
            state: wire.offerState,
            published: wire.publishedOffer,
            withdrawal: z.object({ at: wire.seconds, signature: wire.bytes }).nullable(),
          }),
        ),
        next: z.int(),
      }),
      handle: async ({ query, c }) => {
        const { changes, next } = await book.changes(BigInt(query.since), query.limit)
        const rows = changes.map(
          ({ seq, id, state, document, withdrawal }) =>
            `{"seq":${seq},"id":"${id}","state":"${state}","published":${document},"withdrawal":${withdrawal ?? 'null'}}`,
        )
        return text(c, `{"changes":[${rows.join(',')}],"next":${next}}`)
      },
    },
    timeoutMs,
  )

  const params = z.object({ id: wire.read.hash })
  mount(
    app,
    {
      method: 'get',
      path: '/v1/offers/{id}',
      summary: 'One offer, in whatever state.',
      params,
      answer: wire.listing,
      handle: async ({ params: { id }, c }) => text(c, listingJson(await book.get(id))),
    },
    timeoutMs,
  )
  mount(
    app,
    {
      method: 'post',
      path: '/v1/offers/{id}/withdraw',
      summary: 'Hides an offer at the word of its operator.',
      params,
      body: {
        schema: z.strictObject({ at: uint40Schema, signature: signatureSchema }),
        wire: z.object({ at: wire.seconds, signature: wire.bytes }),
        maxBytes: 32 * 1024,
      },
      answer: wire.listing,
      handle: async ({ params: { id }, body, c }) =>
        text(c, listingJson(await book.withdraw({ id, ...body }))),
    },
    timeoutMs,
  )
}

/** A listing in JSON; the document is JSON already, and is not read again for every search that finds it. */
function listingJson({ id, state, reliability, verified, challenge, document }: Listing): string {
  return `{"id":"${id}","state":"${state}","reliability":${JSON.stringify(reliability)},"verified":${verified},"challenge":${challenge},"published":${document}}`
}

function text(c: Context, body: string): Response {
  return c.body(body, 200, { 'content-type': 'application/json' })
}
