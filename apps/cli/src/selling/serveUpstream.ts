import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type CallHaggling, createPaywall, nodeListener, type Price, priceRoute } from '@millrace/pay'
import type { Signer } from '@millrace/sdk'
import { SellAddressTakenError } from './errors.ts'
import type { Shop } from './openShop.ts'
import { proxyUpstream } from './proxyUpstream.ts'
import { serveAgent } from './serveAgent.ts'

export interface SoldUpstream {
  readonly place: { readonly host: string; readonly port: number }
  /** Base URL of the server behind. */
  readonly upstream: string
  /** Of each call, or of an answer while it streams. */
  readonly price: Price
  readonly shop: Pick<Shop, 'schemes' | 'pending'>
  /** Asks the server behind while the payment is being written to disk. */
  readonly ahead: boolean
  /** Sells calls below their price too, to who agreed on it. */
  readonly haggling: CallHaggling | null
  /** Name of the skill as which it is sold to agents of A2A too. */
  readonly skill: string | null
  /** Signs receipts. */
  readonly receipts: Signer
  /** Where buyers find it, if a proxy stands in front of us. */
  readonly publicUrl: URL | null
}

/**
 * Puts a price before another HTTP server.
 *
 * @throws SellAddressTakenError
 */
export async function serveUpstream(
  options: SoldUpstream,
): Promise<{ readonly url: string; close(): Promise<void> }> {
  const { place, upstream, price, shop, ahead, haggling, skill, receipts, publicUrl } = options
  const paywall = createPaywall({ schemes: shop.schemes, pending: shop.pending, receipts })
  const ask = proxyUpstream(upstream)
  const sell = haggling?.sell(paywall, ask, { ahead }) ?? priceRoute(paywall, { price, ahead }, ask)
  let own = ''
  const url = () => (publicUrl?.href ?? own).replace(/\/+$/, '')
  const agent = skill === null ? null : serveAgent({ skill, paywall, price, ahead, url, ask })
  const handle = async (request: Request) => (await agent?.(request)) ?? sell(request)
  const server = createServer(
    nodeListener((request) => handle(publicUrl === null ? request : atPublic(request, publicUrl))),
  )
  server.listen(place.port, place.host)
  await listening(place, () => once(server, 'listening'))
  own = `http://${place.host}:${(server.address() as AddressInfo).port}`
  return {
    url: publicUrl?.href ?? own,
    async close() {
      const closed = new Promise((resolve) => server.close(resolve))
      server.closeIdleConnections()
      // Those that are being answered may go on for a while: what they paid for is theirs.
      setTimeout(() => server.closeAllConnections(), 10_000).unref()
      await closed
    },
  }
}

/** The request as the buyer sent it to the proxy in front of us. */
function atPublic(request: Request, base: URL): Request {
  const { pathname, search } = new URL(request.url)
  const body = request.body === null ? {} : { body: request.body, duplex: 'half' as const }
  return new Request(`${base.href.replace(/\/+$/, '')}${pathname}${search}`, {
    ...{ method: request.method, headers: request.headers, signal: request.signal },
    ...body,
  })
}

/** @throws SellAddressTakenError if `listen` fails. */
export async function listening<result>(
  { host, port }: SoldUpstream['place'],
  listen: () => Promise<result>,
): Promise<result> {
  try {
    return await listen()
  } catch (cause) {
    throw new SellAddressTakenError({ host, port, cause })
  }
}
