import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { zeroHash } from 'viem'
import { type SellerScheme, snapshotToJson, VoucherTooLowError } from '../src/index.ts'
import {
  decodePaymentPayload,
  encodePaymentRequired,
  encodeSettleResponse,
  headerNames,
} from '../src/wire/headers.ts'
import type { PaymentRequired, PaymentRequirements } from '../src/wire/x402.ts'

/** What a test makes the server do besides. */
export interface ServerTricks {
  /** Changes what is asked for, the n-th time (from 1) that it is. */
  readonly ask?: (required: PaymentRequired, time: number) => PaymentRequired
  /** What is charged of the price. */
  readonly charge?: (price: bigint) => bigint
  /** Answers a paid request itself. */
  readonly answer?: (request: IncomingMessage, response: ServerResponse) => boolean
}

/** An HTTP server, written by hand, that sells its answers by a scheme. */
export async function startPaidServer(scheme: SellerScheme, price: () => bigint, tricks: ServerTricks = {}) {
  let asked = 0
  let served = 0
  const server = createServer(async (request, response) => {
    const url = `http://${request.headers.host}${request.url}`
    const paidRequest = { method: request.method ?? 'GET', url, digest: zeroHash, idempotencyKey: null }
    const [requirements] = await scheme.requirements({ amount: price() }, paidRequest)
    const refuse = (error: string, own: PaymentRequirements) => {
      const required: PaymentRequired = { x402Version: 2, error, resource: { url }, accepts: [own] }
      const said = tricks.ask?.(required, ++asked) ?? required
      response.writeHead(402, { [headerNames.required]: encodePaymentRequired(said) }).end()
    }
    if (requirements === undefined) return void response.writeHead(500).end()
    const header = request.headers[headerNames.payment.toLowerCase()]
    if (typeof header !== 'string') return refuse('payment required', requirements)
    try {
      const reservation = await scheme.reserve(decodePaymentPayload(header), {
        requirements,
        request: paidRequest,
      })
      if (tricks.answer?.(request, response) === true) return await reservation.release('the test says so')
      const settled = await reservation.capture(tricks.charge?.(price()) ?? price())
      served++
      response.writeHead(200, { [headerNames.response]: encodeSettleResponse(settled) }).end('paid')
    } catch (error) {
      const { extra = {} } = requirements
      const channel = error instanceof VoucherTooLowError ? { channel: snapshotToJson(error.snapshot) } : {}
      refuse(String(error), { ...requirements, extra: { ...extra, ...channel } })
    }
  })
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
