import type { Address, Hash, Hex } from 'viem'
import type * as z from 'zod'
import { parse } from '../border/parse.ts'
import { InvalidInputError } from '../errors/border.ts'
import { GatewayAnswerError, GatewayError, GatewayUnreachableError } from '../errors/gateway.ts'
import { type PublishedOffer, publishedOfferToJson } from '../market/offer.ts'
import {
  accountSchema,
  assetPageSchema,
  channelPageSchema,
  healthSchema,
  type IndexedAccount,
  type IndexedAsset,
  type IndexedChannel,
  type IndexedLease,
  type IndexedTill,
  indexedAssetSchema,
  indexedChannelSchema,
  indexedLeaseSchema,
  indexedTillSchema,
  type Listing,
  leasePageSchema,
  listingSchema,
  type Network,
  networkSchema,
  offerChangesSchema,
  publicationSchema,
  searchSchema,
} from './answers.ts'
import { type RevenueEvidence, revenueEvidenceSchema } from './evidence.ts'

/** How a gateway is asked. */
export interface GatewayClientOptions {
  /** Default: the global one. */
  readonly fetch?: typeof globalThis.fetch
  /** Milliseconds for one attempt, the body included. Default 10 000. */
  readonly timeout?: number
  /** Further attempts after one that may succeed later. Default 2. */
  readonly retries?: number
}

/** Most offers that one request publishes. */
const publishBatch = 1000
/** Most milliseconds that a gateway can make us wait between attempts. */
const longestWait = 5_000

/** Which channels to list. */
export interface ChannelFilter {
  readonly payer?: Address
  readonly signer?: Address
  readonly payee?: Address
  readonly asset?: bigint
  /** Only those that hold a deposit, or only those that hold none. */
  readonly open?: boolean
  /** From the page before. */
  readonly cursor?: string
  readonly limit?: number
}

/** Filters of `listLeases`. */
export interface LeaseFilter {
  readonly buyer?: Address
  readonly operator?: Address
  readonly asset?: bigint
  readonly state?: IndexedLease['state']
  /** From the page before. */
  readonly cursor?: string
  readonly limit?: number
}

/** Filters of `listAssets`. */
export interface AssetFilter {
  readonly owner?: Address
  readonly operator?: Address
  /** From the page before. */
  readonly cursor?: string
  readonly limit?: number
}

/** Which revenue to examine. */
export interface EvidenceFilter {
  /** Unix seconds; by default the 30 days up to the end of the index's day. */
  readonly from?: number
  readonly to?: number
  /** More accounts that belong to owner or operator, 20 at most. */
  readonly related?: readonly Address[]
}

/** A gateway over HTTP (protocol §3). Every method throws GatewayError, GatewayUnreachableError or GatewayAnswerError. */
export interface GatewayClient {
  /** Address of the gateway, without a slash at the end. */
  readonly url: string
  /** Searches live offers: `query` in the query language, `order` like `price,num_gpus-`, `buyer` to see offers made for it. */
  searchOffers(options?: {
    readonly query?: string
    readonly order?: string
    readonly limit?: number
    readonly cursor?: string
    readonly buyer?: Address
  }): Promise<z.output<typeof searchSchema>>
  /** Publishes any number of offers, 1000 a request. `index` of a refusal counts over all of them. */
  publishOffers(offers: readonly PublishedOffer[]): Promise<z.output<typeof publicationSchema>>
  /** Hides an offer with the operator's signature from `signWithdraw`. `at` in Unix seconds. */
  withdrawOffer(withdrawal: {
    readonly offer: Hash
    readonly at: number
    readonly signature: Hex
  }): Promise<Listing>
  /** One offer in whatever state, or `null` if the gateway never had it. */
  getOffer(id: Hash): Promise<Listing | null>
  /** What changed after a sequence number, for other gateways. */
  offerChanges(options: {
    readonly since: number
    readonly limit?: number
  }): Promise<z.output<typeof offerChangesSchema>>
  /** Chain, contracts and currencies. */
  getNetwork(): Promise<Network>
  listAssets(filter?: AssetFilter): Promise<z.output<typeof assetPageSchema>>
  /** One asset of the index, or `null`. */
  getAsset(asset: bigint): Promise<IndexedAsset | null>
  listLeases(filter?: LeaseFilter): Promise<z.output<typeof leasePageSchema>>
  /** One lease of the index, or `null`. */
  getLease(lease: Hash): Promise<IndexedLease | null>
  listChannels(filter?: ChannelFilter): Promise<z.output<typeof channelPageSchema>>
  /** One payment channel of the index, or `null`. */
  getChannel(channel: Hash): Promise<IndexedChannel | null>
  /** Revenue and payments of an asset's till, or `null`. */
  getTill(asset: bigint): Promise<IndexedTill | null>
  /** How much of an asset's revenue can have been its operator's own money, with the paths of it, or `null`. */
  getEvidence(asset: bigint, filter?: EvidenceFilter): Promise<RevenueEvidence | null>
  /** Balances of an account in the till. */
  getAccount(account: Address): Promise<IndexedAccount>
  /** State of the gateway, asked once. */
  health(): Promise<z.output<typeof healthSchema>>
  /** Address of the WebSocket to a device, for `webSocketTransport`. */
  sessionUrl(device: Address): string
}

/**
 * Makes a typed client of a gateway. Answers are checked by schemas; errors carry the gateway's code.
 *
 * @param url Address of the gateway, `https://gateway.example`.
 * @param options `fetch`, `timeout` of one attempt in milliseconds, `retries` after failures that may pass.
 * @returns The client.
 * @example
 * const { offers } = await gatewayClient('http://127.0.0.1:4100').searchOffers({ query: 'num_gpus>=1', order: 'price' })
 */
export function gatewayClient(url: string, options: GatewayClientOptions = {}): GatewayClient {
  const { timeout = 10_000, retries = 2 } = options
  const root = url.replace(/\/+$/, '')
  const fetch = options.fetch ?? globalThis.fetch

  async function once(address: string, body: string | undefined, alsoGood?: number): Promise<unknown> {
    let status: number
    let retryAfter: string | null
    let text: string
    try {
      const response = await fetch(address, {
        signal: AbortSignal.timeout(timeout),
        ...(body === undefined
          ? {}
          : { method: 'POST', body, headers: { 'content-type': 'application/json' } }),
      })
      status = response.status
      retryAfter = response.headers.get('retry-after')
      text = await response.text()
    } catch (cause) {
      const late = cause instanceof Error && cause.name === 'TimeoutError'
      throw new GatewayUnreachableError({
        url: address,
        reason: late ? `no answer within ${timeout} ms` : reasonOf(cause),
        cause,
      })
    }
    const json = readJson(text)
    if ((status < 300 || status === alsoGood) && json !== undefined && !isError(json)) return json
    throw errorOf(address, status, json, retryAfter)
  }

  async function ask<schema extends z.ZodType>(
    schema: schema,
    path: string,
    body?: unknown,
  ): Promise<z.output<schema>> {
    const address = `${root}${path}`
    const sent = body === undefined ? undefined : JSON.stringify(body)
    for (let attempt = 0; ; attempt++) {
      try {
        return readAnswer(schema, await once(address, sent), address)
      } catch (error) {
        const mayPass =
          error instanceof GatewayUnreachableError || (error instanceof GatewayError && error.retryable)
        if (!mayPass || attempt >= retries) throw error
        const told = error instanceof GatewayError ? error.retryAfter : undefined
        await pause(Math.min(told === undefined ? 100 * 2 ** attempt : told * 1000, longestWait))
      }
    }
  }
  const orNull = <result>(answer: Promise<result>): Promise<result | null> =>
    answer.catch((error) => {
      if (error instanceof GatewayError && error.status === 404) return null
      throw error
    })

  return {
    url: root,
    searchOffers: ({ query, order, limit, cursor, buyer } = {}) =>
      ask(searchSchema, `/v1/offers${search({ q: query, order, limit, cursor, buyer })}`),
    async publishOffers(offers) {
      const accepted: Hash[] = []
      const rejected: z.output<typeof publicationSchema>['rejected'] = []
      for (let at = 0; at < offers.length; at += publishBatch) {
        const batch = offers.slice(at, at + publishBatch).map(publishedOfferToJson)
        const answer = await ask(publicationSchema, '/v1/offers', { offers: batch })
        accepted.push(...answer.accepted)
        rejected.push(...answer.rejected.map((refusal) => ({ ...refusal, index: refusal.index + at })))
      }
      return { accepted, rejected }
    },
    withdrawOffer: ({ offer, at, signature }) =>
      ask(listingSchema, `/v1/offers/${offer}/withdraw`, { at, signature }),
    getOffer: (id) => orNull(ask(listingSchema, `/v1/offers/${id}`)),
    offerChanges: ({ since, limit }) =>
      ask(offerChangesSchema, `/v1/offers/changes${search({ since, limit })}`),
    getNetwork: () => ask(networkSchema, '/v1/network'),
    listAssets: (filter = {}) => ask(assetPageSchema, `/v1/assets${search({ ...filter })}`),
    getAsset: (asset) => orNull(ask(indexedAssetSchema, `/v1/assets/${asset}`)),
    listLeases: (filter = {}) => ask(leasePageSchema, `/v1/leases${search({ ...filter })}`),
    getLease: (lease) => orNull(ask(indexedLeaseSchema, `/v1/leases/${lease}`)),
    listChannels: (filter = {}) => ask(channelPageSchema, `/v1/channels${search({ ...filter })}`),
    getChannel: (channel) => orNull(ask(indexedChannelSchema, `/v1/channels/${channel}`)),
    getTill: (asset) => orNull(ask(indexedTillSchema, `/v1/tills/${asset}`)),
    getEvidence: (asset, { related, ...period } = {}) =>
      orNull(
        ask(
          revenueEvidenceSchema,
          `/v1/assets/${asset}/evidence${search({ ...period, related: related?.join(',') })}`,
        ),
      ),
    getAccount: (account) => ask(accountSchema, `/v1/accounts/${account}`),
    // A gateway without its database says so with status 503, in the same form.
    health: async () => {
      const address = `${root}/v1/health`
      return readAnswer(healthSchema, await once(address, undefined, 503), address)
    },
    sessionUrl: (device) => `${root.replace(/^http/, 'ws')}/v1/relay/session?device=${device}`,
  }
}

function search(fields: Readonly<Record<string, string | number | bigint | boolean | undefined>>): string {
  const given = Object.entries(fields).flatMap(([key, value]) =>
    value === undefined ? [] : [[key, String(value)]],
  )
  return given.length === 0 ? '' : `?${new URLSearchParams(given)}`
}

const isError = (json: unknown) => typeof json === 'object' && json !== null && 'error' in json

function readJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function readAnswer<schema extends z.ZodType>(schema: schema, json: unknown, url: string): z.output<schema> {
  try {
    return parse(schema, json, 'answer')
  } catch (cause) {
    if (!(cause instanceof InvalidInputError)) throw cause
    throw new GatewayAnswerError({ url, reason: cause.message, cause })
  }
}

function errorOf(url: string, status: number, json: unknown, after: string | null): Error {
  const seconds = after === null ? Number.NaN : Number(after)
  const retryAfter = Number.isFinite(seconds) && seconds >= 0 ? seconds : undefined
  const error = typeof json === 'object' && json !== null && 'error' in json ? json.error : undefined
  if (
    typeof error === 'object' &&
    error !== null &&
    'code' in error &&
    typeof error.code === 'string' &&
    'message' in error &&
    typeof error.message === 'string'
  ) {
    const details =
      'details' in error && typeof error.details === 'object' && error.details !== null ? error.details : {}
    return new GatewayError({
      url,
      status,
      code: error.code,
      message: error.message,
      details: { ...details },
      retryAfter,
    })
  }
  if (status >= 500 || status === 429)
    return new GatewayError({
      url,
      status,
      code: 'GATEWAY_FAILED',
      message: `The gateway answered '${url}' with status ${status}.`,
      details: {},
      retryAfter,
    })
  return new GatewayAnswerError({ url, reason: `status ${status} without an error of ours` })
}

function reasonOf(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause)
  const inner = cause.cause
  if (inner instanceof Error && inner.message !== '') return inner.message
  // Several addresses were tried and none answered: the code says why.
  if (inner instanceof Error && 'code' in inner) return String(inner.code)
  return cause.message
}

const pause = (milliseconds: number) => new Promise((done) => setTimeout(done, milliseconds))
