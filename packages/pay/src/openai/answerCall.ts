import type { Charged } from '../seller/paidHeaders.ts'
import type { Reservation } from '../seller/scheme.ts'
import { WholeResponse } from '../seller/WholeResponse.ts'
import { answerText, readAnswer } from './answerText.ts'
import type { Charge } from './charge.ts'
import type { KeptAnswer, OpenCall } from './createReplays.ts'
import { UpstreamCutError } from './errors.ts'
import { type CountTokens, createMeter, type Meter } from './meter.ts'
import type { ModelCall } from './modelCall.ts'
import type { OncePayment } from './openKeptCalls.ts'
import { renamed } from './renamed.ts'
import { dueOf, nothingCharged, type Settlement, settleCall } from './settleCall.ts'
import { streamAnswer } from './streamAnswer.ts'
import { callUpstream, readAll, type Upstream, type UpstreamAnswer } from './upstream.ts'

export interface AnswerOptions {
  readonly upstream: Upstream
  readonly countTokens?: CountTokens
  readonly onCharge?: (charge: Charge) => void
  readonly call: ModelCall
  /** Base units: the most that the call can cost. */
  readonly quote: bigint
  /** Whether the price depends on nothing that is delivered. */
  readonly flat: boolean
  readonly reservation: Reservation
  readonly open: OpenCall | null
  /** The payment, where it is settled once, after the answer. */
  readonly once: OncePayment | null
  /** The network on which it is paid. */
  readonly network: string
  /** Signs the receipt of what was charged, as in header `Millrace-Receipt`. */
  readonly sign?: (charged: Pick<Charged, 'settled' | 'amount' | 'payer'>) => Promise<string>
  /** Aborted when the buyer leaves. */
  readonly signal: AbortSignal
}

const utf8 = new TextEncoder()

/** How long a stream waits for the buyer to promise more. */
const extendMs = 10_000

interface Begun {
  readonly answer: UpstreamAnswer
  readonly meter: Meter
}

/**
 * Answers a call for which money is held. The reservation is captured or released however it ends.
 *
 * @throws UpstreamUnreachableError, UpstreamTimeoutError, UpstreamRefusedError, UpstreamAnswerInvalidError,
 * UpstreamCutError, SettlementFailedError; nothing is charged then
 */
export async function answerCall(options: AnswerOptions): Promise<Response> {
  const { call, reservation } = options
  const answer = await callUpstream(options.upstream, { signal: options.signal, ...call }).catch(
    async (error: unknown) => {
      await reservation.release('the upstream did not answer')
      throw error
    },
  )
  const begun = { answer, meter: createMeter(call, options.countTokens) }
  return call.stream ? streamed(options, begun) : whole(options, begun)
}

async function whole(options: AnswerOptions, { answer, meter }: Begun): Promise<Response> {
  const { call, open, quote, reservation, signal } = options
  let text: string
  try {
    text = await readAll(answer.chunks)
    const read = readAnswer(text)
    if (signal.aborted) throw new UpstreamCutError()
    meter.deliver(answerText(read))
    meter.report(read.usage)
    text = renamed(read, text, call)
  } catch (error) {
    await reservation.release('the upstream did not answer completely')
    throw error
  }
  const body = utf8.encode(text)
  const plain = { 'content-type': 'application/json' }
  try {
    await reservation.kept
    if (quote > 0n) await open?.made(unreceipted(options, { headers: plain, body }), chargeOf(options, meter))
  } catch (error) {
    await reservation.release('the answer could not be kept')
    throw error
  }
  const settlement = await settleCall(options, { meter, outcome: 'complete' })
  const headers = { ...plain, ...receiptHeader(settlement) }
  // It is charged and stands in the file already; only its receipt does not.
  open?.answered({ status: 200, headers, body }).catch(() => undefined)
  return new WholeResponse(body, { headers })
}

async function streamed(options: AnswerOptions, { answer, meter }: Begun): Promise<Response> {
  const { reservation, open, once, flat } = options
  const headers = { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' }
  let early: Settlement | null = null
  const stream = await streamAnswer({
    answer,
    meter,
    held: () => reservation.ceiling,
    extend: async (amount) => (await reservation.extend?.(amount, extendMs)) ?? false,
    begin: async () => {
      await reservation.kept
      // What does not depend on the answer is charged when the answer begins, so that its receipt is a header.
      if (!flat) return
      if (once !== null) await open?.prepaid(once)
      early = await settleCall(options, { meter, outcome: 'complete' })
    },
    settle: async (outcome) => {
      try {
        const settlement = early ?? (await settleCall(options, { meter, outcome }))
        // Until the whole answer is kept, a repetition is credited what was charged.
        await open?.charged(settlement.charged).catch(() => undefined)
        return early === null ? settlement.headers : {}
      } catch (error) {
        open?.dropped()
        throw error
      }
    },
    made: async (body) => {
      if (early !== null) return
      await open?.made(unreceipted(options, { headers, body }), chargeOf(options, meter))
    },
    keep: async (body) =>
      open?.answered({ status: 200, headers: { ...headers, ...receiptHeader(early) }, body }),
    ...options,
  }).catch(async (error: unknown) => {
    answer.cancel()
    if (early === null) await reservation.release('the upstream did not answer')
    throw error
  })
  return new Response(stream, { headers: { ...headers, ...receiptHeader(early) } })
}

const chargeOf = (options: AnswerOptions, meter: Meter) => ({
  amount: dueOf(options, meter),
  once: options.once,
})

/** An answer as it is given after a crash that took its receipt: its repetition costs nothing. */
const unreceipted = (
  options: AnswerOptions,
  { headers, body }: Pick<KeptAnswer, 'headers' | 'body'>,
): KeptAnswer => ({ status: 200, headers: { ...headers, ...nothingCharged(options) }, body })

const receiptHeader = (settlement: Settlement | null): Settlement['headers'] => settlement?.headers ?? {}
