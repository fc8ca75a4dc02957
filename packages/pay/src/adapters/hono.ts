import type { PaidRoute, Paywall } from '../seller/paywall.ts'

/** What is needed of Hono's context. */
export interface HonoContext {
  readonly req: { raw: Request }
  get res(): Response
  set res(response: Response | undefined)
}

/**
 * Middleware for Hono: what comes after it is paid for.
 *
 * @param paywall From `createPaywall`.
 * @param route Price and what is sold.
 * @returns The middleware.
 * @see https://hono.dev/docs/guides/middleware
 * @example
 * app.use('/weather', honoPaywall(paywall, { price: { amount: 1000n } }))
 */
export function honoPaywall(paywall: Paywall, route: PaidRoute) {
  return async (context: HonoContext, next: () => Promise<void>): Promise<void> => {
    const response = await paywall.charge(context.req.raw, route, async (request) => {
      // Its body has been read for the digest; this one has it at hand again.
      context.req.raw = request
      await next()
      return context.res
    })
    // Hono would add the headers of the answer before to those of the new one.
    context.res = undefined
    context.res = response
  }
}
