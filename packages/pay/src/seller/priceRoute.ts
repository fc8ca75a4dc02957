import type { PaidHandler, PaidRoute, Paywall } from './paywall.ts'

/**
 * Puts a price on a handler of web requests.
 *
 * @param paywall From `createPaywall`.
 * @param route Price in base units, or a function that finds it, and what is sold.
 * @param handler Answers once money is held.
 * @returns The paid handler, for any server that speaks web requests; `nodeListener` makes it one of node:http.
 * @example
 * const handle = priceRoute(paywall, { price: { amount: 1000n } }, async () => new Response('well'))
 */
export const priceRoute =
  (paywall: Paywall, route: PaidRoute, handler: PaidHandler): ((request: Request) => Promise<Response>) =>
  (request) =>
    paywall.charge(request, route, handler)
