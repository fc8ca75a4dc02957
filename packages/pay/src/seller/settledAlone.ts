import { encodeSettleResponse, headerNames } from '../wire/headers.ts'
import type { SettleResponse } from '../wire/x402.ts'

/** The answer to a payment that bought nothing: what became of it, and no content of the handler's. */
export const settledAlone = (settled: SettleResponse): Response =>
  Response.json(settled, {
    headers: { [headerNames.response]: encodeSettleResponse(settled), 'cache-control': 'no-store' },
  })
