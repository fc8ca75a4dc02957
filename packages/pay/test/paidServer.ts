import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import {
  createPaywall,
  decodePaymentRequired,
  encodePaymentRequired,
  headerNames,
  nodeListener,
  overridesHeader,
  type PaymentRequired,
  type SellerScheme,
} from '../src/index.ts'

/** What a test makes the server do besides. */
export interface ServerTricks {
  /** Changes what is asked for, the n-th time (from 1) that it is. */
  readonly ask?: (required: PaymentRequired, time: number) => PaymentRequired
  /** What is charged of the price. */
  readonly charge?: (price: bigint) => bigint
  /** Answers a paid request itself; `refuse` takes the payment and says that it was none. */
  readonly answer?: 'refuse' | (() => Response)
}

/** An HTTP server behind the paywall, that sells its answers by a scheme; with tricks it is a hostile one. */
export async function startPaidServer(scheme: SellerScheme, price: () => bigint, tricks: ServerTricks = {}) {
  let asked = 0
  let served = 0
  const paywall = createPaywall({ schemes: [scheme] })
  const upTo = tricks.charge !== undefined

  /** The same answer with another demand. */
  function demand(response: Response): Response {
    const header = response.headers.get(headerNames.required)
    if (response.status !== 402 || header === null || tricks.ask === undefined) return response
    const headers = new Headers(response.headers)
    headers.set(
      headerNames.required,
      encodePaymentRequired(tricks.ask(decodePaymentRequired(header), ++asked)),
    )
    return new Response(response.body, { status: 402, headers })
  }

  const listener = nodeListener(async (request) => {
    if (tricks.answer === 'refuse' && request.headers.has(headerNames.payment)) {
      const [requirements] = await scheme.requirements(
        { amount: price() },
        { method: request.method, url: request.url, digest: `0x${'00'.repeat(32)}`, idempotencyKey: null },
      )
      if (requirements === undefined) return new Response(null, { status: 500 })
      const required: PaymentRequired = {
        ...{ x402Version: 2, error: 'not paid, says the server' },
        ...{ resource: { url: request.url }, accepts: [requirements] },
      }
      const headers = { [headerNames.required]: encodePaymentRequired(required) }
      return demand(new Response(null, { status: 402, headers }))
    }
    const route = { price: () => ({ amount: price(), upTo }) }
    const response = await paywall.charge(request, route, () => {
      if (typeof tricks.answer === 'function') return tricks.answer()
      served++
      const charged = tricks.charge?.(price())
      const headers =
        charged === undefined ? {} : { [overridesHeader]: JSON.stringify({ amount: charged.toString() }) }
      return new Response('paid', { headers })
    })
    return demand(response)
  })
  const server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/data`,
    served: () => served,
    stop: () =>
      new Promise<void>((resolve) => {
        server.closeAllConnections()
        server.close(() => resolve())
      }),
  }
}
