import { setTimeout as pause } from 'node:timers/promises'
import type { Signer } from '@millrace/sdk'
import type { PaymentRequirements } from '../wire/x402.ts'
import { SettlementPendingError } from './errors.ts'
import { meterBody } from './meterBody.ts'
import type { Metered, MeterUnits } from './metered.ts'
import { type PaidStream, type Streams, streamHeader } from './openStreams.ts'
import { addPaidHeaders } from './paidHeaders.ts'
import type { Dialect } from './readPayment.ts'
import type { PaidRequest, Reservation, SellerScheme } from './scheme.ts'

/** How an answer is paid while it streams. */
export interface MeteredCall {
  readonly scheme: SellerScheme
  readonly dialect: Dialect
  readonly requirements: PaymentRequirements
  readonly request: PaidRequest
  readonly reservation: Reservation
  readonly metered: Metered
  /** Counts its units, where it is by neither second nor byte. */
  readonly meter: MeterUnits | null
  /** Milliseconds for which an answer waits for money. */
  readonly graceMs: number
  readonly signer: Signer | null
  /** Unix seconds. */
  readonly now: () => number
}

/** How often, and how many times, a settlement whose outcome is not known is asked about again. */
const askAgainMs = 2_000
const asks = 30

/**
 * Gives an answer that is paid while it streams: its name stands in a header, and what was charged is known under that name
 * once it is over.
 */
export function meteredAnswer(streams: Streams, response: Response, call: MeteredCall): Response {
  const { scheme, requirements, reservation, metered, meter, graceMs, now } = call
  const headers = new Headers(response.headers)
  if (response.body === null) return new Response(null, { status: response.status, headers })
  const body = meterBody(response.body, {
    metered,
    reservation,
    graceMs,
    count: meter?.(headers) ?? null,
    stretch: BigInt(requirements.amount),
    now: () => performance.now(),
    async onEnd({ used }) {
      try {
        stream.settled = await settle(call, used)
      } finally {
        streams.ended(id)
      }
    },
  })
  const stream: PaidStream = { scheme, requirements, state: body.state, settled: null }
  const id = streams.open(stream)
  headers.set(streamHeader, id)
  headers.set('cache-control', 'no-store')
  headers.append('access-control-expose-headers', streamHeader)
  // How long it will be depends on the money.
  headers.delete('content-length')
  return new Response(body.stream, { status: response.status, headers })

  async function settle({ dialect, request, signer }: MeteredCall, used: bigint): Promise<Headers> {
    const settled = new Headers()
    if (used === 0n) {
      await reservation.release('nothing was delivered')
      return settled
    }
    const { payer } = reservation
    const paid = await captured(reservation, used)
    const charged = { dialect, request, requirements, payer, amount: used, settled: paid, at: now(), signer }
    await addPaidHeaders(settled, charged)
    return settled
  }
}

async function captured(reservation: Reservation, amount: bigint) {
  for (let ask = 1; ; ask++) {
    try {
      return await reservation.capture(amount)
    } catch (error) {
      if (!(error instanceof SettlementPendingError) || ask >= asks) throw error
      await pause(askAgainMs, undefined, { ref: false })
    }
  }
}
