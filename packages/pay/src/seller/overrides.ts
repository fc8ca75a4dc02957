import type { Price } from './scheme.ts'

/** Header by which a handler says what was used, where the price is a ceiling: `{"amount":"…"}`. It is not passed on. */
export const overridesHeader = 'Settlement-Overrides'

/** What is charged: the price, or what the handler says was used of a ceiling. */
export function chargeOf(response: Response, price: Price, ceiling: bigint): bigint {
  const overrides = response.headers.get(overridesHeader)
  if (price.upTo !== true || overrides === null) return price.amount
  const amount = /^\s*\{\s*"amount"\s*:\s*"(\d{1,78})"\s*\}\s*$/.exec(overrides)?.[1]
  const used = amount === undefined ? ceiling : BigInt(amount)
  return used < ceiling ? used : ceiling
}

/** The same answer without what is not passed on. */
export function withoutOverrides(response: Response): Response {
  if (!response.headers.has(overridesHeader)) return response
  const headers = new Headers(response.headers)
  headers.delete(overridesHeader)
  return new Response(response.body, { status: response.status, headers })
}
