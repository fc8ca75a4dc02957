import { bytesToBase64 } from '../wire/base64.ts'
import { encodeSettleResponse, headerNames } from '../wire/headers.ts'
import type { SettleResponse } from '../wire/x402.ts'
import type { AnswerBody } from './answerBody.ts'
import type { Again } from './createAnswers.ts'
import { PaymentRefusedError, SettlementPendingError } from './errors.ts'
import type { PendingAnswer, PendingAnswers } from './openPendingAnswers.ts'
import { addPaidHeaders, type Charged } from './paidHeaders.ts'
import { unavailable } from './problem.ts'
import type { ReadPayment } from './readPayment.ts'
import type { PaidRequest, Reservation } from './scheme.ts'
import { WholeResponse } from './WholeResponse.ts'

/** An answer as the handler made it, and what it costs. */
export interface MadeAnswer {
  readonly status: number
  readonly headers: Headers
  readonly body: AnswerBody
  /** Base units. */
  readonly amount: bigint
}

/** Everything that giving an answer out for its money needs. */
export interface Delivery {
  readonly paid: PaidRequest
  readonly read: Pick<ReadPayment, 'dialect' | 'requirements'>
  readonly reservation: Pick<Reservation, 'payer' | 'capture'>
  readonly made: MadeAnswer
  /** Says how a repetition is answered. */
  readonly finish: (again: Again | null, bytes?: number) => void
  readonly refuse: (error: string, headers?: Readonly<Record<string, string>>) => Promise<Response>
  readonly signer: Charged['signer']
  /** Unix seconds. */
  readonly now: () => number
  /** Where the answer waits for its payment, and by which name; null where a crash may lose it. */
  readonly pending: { readonly answers: PendingAnswers; readonly key: string } | null
}

/** Statuses whose answers have no body. */
const bodiless = new Set([101, 204, 205, 304])

/** Charges for an answer and gives it out, or says why not. While the outcome is not known the answer is kept. */
export async function deliverAnswer(delivery: Delivery): Promise<Response> {
  const { paid, read, reservation, made, finish, refuse, pending, signer, now } = delivery
  const { headers, status, body, amount } = made
  const { payer } = reservation
  const { dialect, requirements } = read
  const give = (content: Uint8Array<ArrayBuffer> | ReadableStream) => {
    if (bodiless.has(status)) return new Response(null, { status, headers })
    if (content instanceof ReadableStream) return new Response(content, { status, headers })
    return new WholeResponse(content, { status, headers })
  }
  const streamed: Again = () => refuse('payment_already_used')

  let done: Again | null = null
  let captured: Again | null | undefined
  const capture: Again = async () => {
    if (done !== null) return done()
    let settled: SettleResponse
    try {
      settled = await reservation.capture(amount)
    } catch (error) {
      if (error instanceof SettlementPendingError) return unavailable(error)
      if (body.type === 'stream') await body.stream.cancel().catch(() => undefined)
      if (!(error instanceof PaymentRefusedError)) throw error
      captured = null
      await pending?.answers.drop(pending.key)
      const failed = { success: false, transaction: '', network: requirements.network, payer }
      const response = encodeSettleResponse({ ...failed, errorReason: error.reason })
      return refuse(error.reason, { [headerNames.response]: response })
    }
    captured = capture
    const charged = { dialect, request: paid, requirements, payer, amount, settled, at: now(), signer }
    await addPaidHeaders(headers, charged)
    if (body.type === 'stream') {
      done = streamed
      return give(body.stream)
    }
    const { bytes } = body
    done = () => Promise.resolve(give(bytes))
    finish(done, bytes.length)
    return give(bytes)
  }

  let given: Response
  try {
    if (pending !== null && body.type === 'whole' && pending.answers.find(pending.key) === null)
      await pending.answers.keep(pendingOf(delivery, { key: pending.key, bytes: body.bytes }))
    given = await capture()
  } catch (error) {
    finish(null)
    throw error
  }
  if (captured === null) finish(null)
  // Not known yet: the same payment again asks again, and gets the answer that is kept here.
  else if (captured === undefined) finish(once(capture), body.type === 'whole' ? body.bytes.length : 0)
  else if (body.type === 'stream') finish(streamed)
  return given
}

function pendingOf(
  { paid, read, made, now }: Delivery,
  { key, bytes }: { readonly key: string; readonly bytes: Uint8Array },
): PendingAnswer {
  return {
    ...{ key, digest: paid.digest, dialect: read.dialect, requirements: read.requirements },
    ...{ amount: made.amount.toString(), status: made.status, headers: [...made.headers] },
    ...{ body: bytesToBase64(bytes), at: now() },
  }
}

/** Runs one at a time, for those who ask at once: both get an answer, in turn. */
function once(work: Again): Again {
  let last: Promise<unknown> = Promise.resolve()
  return () => {
    const next = last.then(work, work)
    last = next.catch(() => undefined)
    return next
  }
}
